"""Who may pass the gateway, how often, and what reaches the service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from yarl import URL

from shared.ids import new_id
from shared.security.tokens import Signer, generate_private_pem
from tests.unit.gateway_services import World, platform


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with platform(world) as session:
        yield session


async def kind(answer: aiohttp.ClientResponse) -> str:
    body = await answer.json(content_type="application/problem+json")
    return str(body["type"]).removeprefix("urn:presswork:problem:")


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/auth/me", "auth"),
        ("/api/v1/users/1", "auth"),
        ("/api/v1/projects/1/files", "workflow"),
        ("/api/v1/workflows", "workflow"),
        ("/api/v1/reviews/bulk", "workflow"),
        ("/api/v1/platforms/x/count", "workflow"),
        ("/api/v1/drafts/1", "generation"),
        ("/api/v1/evaluations/1", "evaluation"),
        ("/api/v1/jobs/1", "publishing"),
        ("/api/v1/connections", "publishing"),
        ("/api/v1/webhooks/event-types", "publishing"),
        ("/api/v1/files/1", "media"),
        ("/api/v1/resources", "media"),
        ("/blog/a-post", "publishing"),
    ],
)
async def test_each_path_reaches_its_service_unchanged(
    http: aiohttp.ClientSession, world: World, path: str, service: str
) -> None:
    answer = await http.get(path + "?q=%C3%A9&q=2", headers=world.token())
    assert await answer.json() == {"service": service, "path": path, "query": "q=%C3%A9&q=2"}


async def test_a_token_from_a_mail_needs_no_log_in_but_asking_for_one_does(http: aiohttp.ClientSession) -> None:
    answer = await http.post("/api/v1/auth/verification/confirm", json={"token": "t"})
    assert (await answer.json())["service"] == "auth"
    assert "X-RateLimit-Remaining" in answer.headers
    refused = await http.post("/api/v1/auth/verification")
    assert (refused.status, await kind(refused)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("GET", "/api/v1/auth/me", "auth"),
        ("POST", "/api/v1/projects", "workflow"),
        ("POST", "/api/v1/files", "media"),
        ("POST", "/api/v1/projects/1/generate/blog", "generation"),
        ("GET", "/api/v1/outputs/1", "generation"),
        ("GET", "/api/v1/templates", "generation"),
    ],
)
async def test_a_trial_uploads_and_has_outputs_written(
    http: aiohttp.ClientSession, world: World, method: str, path: str, service: str
) -> None:
    answer = await http.request(method, path, headers=world.token(role="trial"), json={"text": "a", "note": 1})
    assert answer.status == 200
    assert (path, service) == ("/api/v1/files", "media") or (await answer.json())["service"] == service


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/workflows"),
        ("POST", "/api/v1/workflows/1/publish"),
        ("POST", "/api/v1/connections"),
        ("GET", "/api/v1/connections"),
        ("POST", "/api/v1/webhooks"),
        ("POST", "/api/v1/import"),
        ("GET", "/api/v1/jobs"),
        ("POST", "/api/v1/executions"),
        ("POST", "/api/v1/templates"),
        ("GET", "/api/v1/users"),
    ],
)
async def test_whatever_else_a_trial_asks_for_takes_an_account(
    http: aiohttp.ClientSession, world: World, method: str, path: str
) -> None:
    before = len(world.seen)
    answer = await http.request(method, path, headers=world.token(role="trial"))
    assert (answer.status, await kind(answer)) == (403, "trial-only")
    assert "sign up" in (await answer.json(content_type=None))["detail"]
    assert len(world.seen) == before


async def test_trials_of_one_address_share_what_may_be_begun_and_written(world: World) -> None:
    async with platform(world, limit_trial="2/hour", limit_trial_outputs="3/hour; 2/day") as http:
        begun = [(await http.post("/api/v1/trial")).status for _ in range(3)]
        assert begun == [200, 200, 429]
        path = "/api/v1/projects/1/generate/blog"
        asked = [await http.post(path, headers=world.token(new_id(), role="trial")) for _ in range(3)]
        assert [answer.status for answer in asked] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Limit"] for answer in asked] == ["2", "2", "2"]
        assert (await http.post("/api/v1/outputs/1/retry", headers=world.token(role="trial"))).status == 429
        assert (await http.get("/api/v1/outputs/1", headers=world.token(role="trial"))).status == 200
        assert (await http.post(path, headers=world.token())).status == 200, "accounts are not counted with them"
        assert (await http.get("/api/v1/trial")).status == 405


async def test_a_trial_has_no_more_written_from_many_addresses_than_from_one(world: World) -> None:
    async with platform(world, limit_trial_outputs="2/hour", trusted_proxies="127.0.0.0/8") as http:
        token = world.token(new_id(), role="trial")
        asked = [
            (
                await http.post(
                    "/api/v1/projects/1/generate/blog", headers={**token, "X-Forwarded-For": f"203.0.113.{n}"}
                )
            )
            for n in range(3)
        ]
        assert [answer.status for answer in asked] == [200, 200, 429]


@pytest.mark.parametrize("path", ["/approve/eyJ.e30.s", "/api/v1/approvals/eyJ.e30.s"])
async def test_an_approval_link_needs_no_log_in_and_is_counted(http: aiohttp.ClientSession, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await http.request(method, path)
        assert await answer.json() == {"service": "workflow", "path": path, "query": ""}
        assert answer.headers["X-RateLimit-Limit"] == "300"
    assert (await http.get("/api/v1/workflows/1/approval-links")).status == 401


@pytest.mark.parametrize("path", ["/internal/history/1", "/api/v1/workflowsx", "/api/v2/jobs", "/api/v1/", "/blogs"])
async def test_what_is_not_in_the_table_is_not_reachable(http: aiohttp.ClientSession, world: World, path: str) -> None:
    answer = await http.get(path, headers=world.token())
    assert (answer.status, await kind(answer)) == (404, "not-found")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/jobs/../../../internal/x", "/api/v1/jobs/%2e%2e/x", "/blog//x", "/blog/..%2finternal", "/blog/%5cx"],
)
async def test_a_path_with_two_readings_is_refused(http: aiohttp.ClientSession, world: World, path: str) -> None:
    answer = await http.get(URL(str(http._base_url).rstrip("/") + path, encoded=True), headers=world.token())
    assert (answer.status, await kind(answer)) == (400, "ambiguous-path")


async def test_without_a_token_nothing_reaches_a_service(http: aiohttp.ClientSession, world: World) -> None:
    before = len(world.seen)
    forged = Signer(generate_private_pem())
    missing = await http.get("/api/v1/jobs")
    answers = {
        "unauthenticated": missing,
        "expired-token": await http.get("/api/v1/jobs", headers=world.token(lifetime=timedelta(seconds=-1))),
        "invalid-token": await http.get("/api/v1/jobs", headers=World(signer=forged).token()),
    }
    for expected, answer in answers.items():
        assert (answer.status, await kind(answer)) == (401, expected)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    query = await http.get("/api/v1/jobs", params={"access_token": world.token()["Authorization"][7:]})
    assert query.status == 401
    assert len(world.seen) == before


async def test_the_blog_is_for_everyone_and_only_read(http: aiohttp.ClientSession) -> None:
    assert (await http.get("/blog")).status == 200
    answer = await http.post("/blog/a-post")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_headers_pass_but_for_hops_and_what_only_the_gateway_may_say(
    http: aiohttp.ClientSession, world: World
) -> None:
    sent = {
        **world.token(),
        "Idempotency-Key": "k-1",
        "X-Forwarded-For": "6.6.6.6",
        "X-Presswork-Internal-Token": "guess",
        "Connection": "X-Private",
        "X-Private": "1",
    }
    answer = await http.post("/api/v1/jobs", json={"a": 1}, headers=sent)
    arrived = world.seen[-1].headers
    assert arrived["authorization"] == sent["Authorization"]
    assert arrived["idempotency-key"] == "k-1"
    assert arrived.getlist("x-forwarded-for") == ["127.0.0.1"]
    assert "x-presswork-internal-token" not in arrived
    assert "x-private" not in arrived
    assert 9000 < int(arrived["x-presswork-deadline-ms"]) <= 10_000
    assert world.bodies[-1] == b'{"a": 1}'
    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert "X-Hop" not in answer.headers
    assert len(answer.headers.getall("X-Correlation-Id")) == 1
    assert arrived["x-correlation-id"] == answer.headers["X-Correlation-Id"]


async def test_large_bodies_stream_both_ways(http: aiohttp.ClientSession, world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"y" * 65_536

    answer = await http.put("/api/v1/files/1", data=pieces(), params={"large": 10_485_760}, headers=world.token())
    assert len(await answer.read()) == 10_485_760
    assert len(world.bodies[-1]) == 10_485_760


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_the_limit_is_refused(http: aiohttp.ClientSession, world: World, declared: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b"y" * 65_536

    body: Any = b"y" * 2_162_688 if declared else pieces()
    answer = await http.post("/api/v1/jobs", data=body, headers=world.token())
    assert (answer.status, await kind(answer)) == (413, "body-too-large")


async def test_a_slow_service_is_given_up(http: aiohttp.ClientSession, world: World) -> None:
    headers = {**world.token(), "X-Presswork-Deadline-Ms": "100"}
    answer = await http.get(f"/api/v1/workflows/{new_id()}/slow", headers=headers)
    assert (answer.status, await kind(answer)) == (504, "deadline-exceeded")


async def test_metrics_name_the_route_and_not_the_path(http: aiohttp.ClientSession, world: World) -> None:
    await http.get("/api/v1/drafts/42", headers=world.token())
    figures = await (await http.get("/metrics")).text()
    assert 'route="/api/v1/drafts/{path}",status="200"' in figures
    assert "/api/v1/drafts/42" not in figures


async def test_a_service_that_is_down_is_named_and_the_gateway_is_not_ready(world: World) -> None:
    async with platform(world, down=("publishing",)) as session:
        answer = await session.get("/api/v1/jobs", headers=world.token())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert "publishing" in await answer.text()
        ready = await session.get("/readyz")
        assert ready.status == 503
        assert (await ready.json(content_type="application/problem+json"))["missing"] == ["publishing"]
        assert (await session.get("/livez")).status == 200


async def test_the_gateway_is_ready_when_all_services_answer(http: aiohttp.ClientSession) -> None:
    assert (await http.get("/readyz")).status == 200


async def test_limits_are_announced_and_enforced(world: World) -> None:
    limits: dict[str, Any] = {"limit_login": "2/15 minutes", "limit_user": "3/hour", "limit_anonymous": "4/hour"}
    async with platform(world, **limits) as session:
        login = [await session.post("/api/v1/auth/login") for _ in range(3)]
        assert [answer.status for answer in login] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in login] == ["1", "0", "0"]
        assert login[0].headers["X-RateLimit-Limit"] == "2"
        assert await kind(login[2]) == "rate-limited"
        assert 1 <= int(login[2].headers["Retry-After"]) <= 900

        mine = [await session.get("/api/v1/connections", headers=world.token()) for _ in range(4)]
        assert [answer.status for answer in mine] == [200, 200, 200, 429]
        theirs = await session.get("/api/v1/connections", headers=world.token(new_id()))
        assert theirs.status == 200

        guesses = [await session.get("/api/v1/jobs", headers={"Authorization": "Bearer x"}) for _ in range(5)]
        assert [answer.status for answer in guesses] == [401, 401, 401, 401, 429]


async def test_executions_have_a_closer_limit_of_their_own(world: World) -> None:
    async with platform(world, limit_executions="1/hour", limit_user="9/hour") as session:
        begun = [await session.post("/api/v1/executions", headers=world.token()) for _ in range(2)]
        assert (begun[0].status < 400, begun[1].status) == (True, 429)
        assert [answer.headers["X-RateLimit-Limit"] for answer in begun] == ["1", "1"]
        assert (await session.get("/api/v1/executions", headers=world.token())).headers["X-RateLimit-Limit"] == "9"
        assert (await session.post("/api/v1/executions", headers=world.token(new_id()))).status < 400


async def test_a_header_anyone_can_write_buys_no_new_limit(world: World) -> None:
    async with platform(world, limit_login="1/hour") as session:
        answers = [
            await session.post("/api/v1/auth/login", headers={"X-Forwarded-For": f"9.9.9.{n}"}) for n in range(2)
        ]
        assert [answer.status for answer in answers] == [200, 429]
    async with platform(world, limit_login="1/hour", trusted_proxies="127.0.0.0/8") as session:
        behind = [
            await session.post("/api/v1/auth/login", headers={"X-Forwarded-For": f"8.8.8.8, 9.9.9.{n}"})
            for n in (1, 2, 2)
        ]
        assert [answer.status for answer in behind] == [200, 200, 429]
