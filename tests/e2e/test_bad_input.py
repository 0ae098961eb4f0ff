"""Bad input gets a problem with a sentence that says what to do, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import pytest
import pytest_asyncio

from deploy.embedded.keys import signing_key_file
from shared.security.tokens import Signer
from tests.e2e.conftest import Platform
from tests.e2e.user import ARTICLE, Answer, User, nobody, user
from tests.waiting import eventually

# Nothing here depends on the broker.
pytestmark = pytest.mark.parametrize("platform", ["tansu"], indirect=True, scope="session")

WORKFLOWS = "/api/v1/workflows"


def refused(answer: Answer, *statuses: int) -> str:
    """The sentence of a proper problem."""
    assert answer.status in statuses, answer
    assert answer.is_problem, answer.headers
    assert answer.body["status"] == answer.status
    assert answer.body["type"].startswith("urn:presswork:problem:")
    assert len(answer.body["detail"].split()) >= 4
    return str(answer.body["detail"])


def new(**changes: Any) -> dict[str, Any]:
    return {"source": {"text": ARTICLE}, "platforms": ["x"], **changes}


@pytest_asyncio.fixture(scope="module")
async def idle(platform: Platform) -> AsyncIterator[User]:
    """Somebody who has not started anything; whoever takes them starts nothing either."""
    async with user(platform.gateway) as somebody:
        yield somebody


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (new(platforms=["myspace"]), 422),
        (new(platforms=[]), 422),
        (new(platforms=["x", "x"]), 422),
        (new(source={"text": ""}), 422),
        (new(source={"text": " \n "}), 422),
        (new(source={"text": "a\u0000b"}), 422),
        (new(source={}), 422),
        (new(source={"text": "a", "url": "https://example.org"}), 422),
        (new(source={"url": "http://127.0.0.1:1/secret"}), 422),
        (new(source={"url": "http://169.254.169.254/latest/meta-data"}), 422),
        (new(source={"url": "http://[::1]/"}), 422),
        (new(source={"url": "file:///etc/passwd"}), 422),
        (new(source={"file_id": str(uuid4())}), 404),
        (new(min_score=101), 422),
        (new(max_iterations=0), 422),
        (new(criteria_weights={"clarity": 0.4, "grammar": 0.4}), 422),
        (new(project_id=str(uuid4())), 404),
        (new(surprise=True), 422),
        (new(source={"text": "word " * 1_000_000}), 413),
    ],
)
async def test_a_workflow_that_cannot_start_is_not_started(idle: User, body: Any, status: int) -> None:
    refused(await idle.request("POST", WORKFLOWS, body), status)
    assert (await idle.get(WORKFLOWS))["items"] == []


async def test_a_body_that_is_no_json_or_of_another_type_is_refused(idle: User) -> None:
    json_type = {"Content-Type": "application/json"}
    refused(await idle.request("POST", WORKFLOWS, raw=b"{nonsense", headers=json_type), 400)
    refused(await idle.request("POST", WORKFLOWS, raw=b"<a/>", headers={"Content-Type": "text/xml"}), 415, 422)


async def test_files_that_are_not_what_they_claim_are_refused(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        for name, data, status in (
            ("a.pdf", b"%PDF-1.7\nthis is none", (422,)),
            ("a.txt", b"", (422,)),
            ("a.bin", bytes(range(256)) * 8, (415,)),
        ):
            form = aiohttp.FormData()
            form.add_field("file", data, filename=name)
            answer = await writer.request("POST", "/api/v1/files", form=form)
            if answer.status == 201:
                # Reading takes a moment; the outcome is told with the file.
                file = await writer.get(f"/api/v1/files/{answer.body['id']}?wait=20")
                assert file["text_status"] == "failed", file
                assert len(file["error"].split()) >= 4
                refused(await writer.request("POST", WORKFLOWS, new(source={"file_id": file["id"]})), 422)
            else:
                refused(answer, *status)


async def test_a_stale_review_is_refused_with_the_present_state(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("blog",))
        await writer.until(workflow_id, "awaiting_review")
        accept = {"platform": "blog", "action": "accept", "publish": {}}
        assert (await writer.review(workflow_id, accept)).status == 200
        answer = await writer.review(workflow_id, accept)
        refused(answer, 409)
        assert answer.body["current"]["platform"] == "blog"
        assert len((await writer.until(workflow_id, "completed"))["jobs"]) == 1


async def test_what_belongs_to_another_does_not_exist(platform: Platform) -> None:
    async with user(platform.gateway) as writer, user(platform.gateway) as stranger:
        workflow_id = await writer.start(platforms=("blog",))
        await writer.until(workflow_id, "awaiting_review")
        for method, path, body in (
            ("GET", f"{WORKFLOWS}/{workflow_id}", None),
            ("GET", f"{WORKFLOWS}/{workflow_id}/history", None),
            ("GET", f"{WORKFLOWS}/{workflow_id}/events", None),
            ("POST", f"{WORKFLOWS}/{workflow_id}/review", {"decisions": [{"platform": "blog", "action": "accept"}]}),
            ("POST", f"{WORKFLOWS}/{workflow_id}/publish", {"publications": [{"platform": "blog"}]}),
        ):
            refused(await stranger.request(method, path, body), 404)
        for part in ("drafts", "evaluations", "jobs"):
            found = await stranger.get(f"/api/v1/{part}?workflow_id={workflow_id}")
            assert found["items"] == []
        assert (await writer.get(f"{WORKFLOWS}/{workflow_id}"))["status"] == "awaiting_review"


async def test_tokens_that_are_missing_forged_or_expired_open_nothing(platform: Platform) -> None:
    async with user(platform.gateway) as writer, nobody(platform.gateway) as visitor:
        assert writer.token is not None
        refused(await visitor.request("GET", WORKFLOWS), 401)
        visitor.token = writer.token[:-4] + ("AAAA" if not writer.token.endswith("AAAA") else "BBBB")
        refused(await visitor.request("GET", WORKFLOWS), 401)
        claims = jwt.decode(writer.token, options={"verify_signature": False})
        visitor.token = jwt.encode(claims, "a-secret-of-ones-own-that-is-long-enough", algorithm="HS256")
        refused(await visitor.request("GET", WORKFLOWS), 401)
        visitor.token = jwt.encode(claims, None, algorithm="none")
        refused(await visitor.request("GET", WORKFLOWS), 401)


async def test_an_expired_token_is_told_apart_from_a_forged_one(platform: Platform) -> None:
    signer = Signer(signing_key_file(platform.traces.parent).read_bytes())
    async with user(platform.gateway) as writer:
        assert writer.token is not None
        claims = jwt.decode(writer.token, options={"verify_signature": False})
        issue = (UUID(claims["sub"]), UUID(claims["sid"]), "viewer", "old")
        writer.token = signer.issue(*issue, datetime.now(UTC) - timedelta(hours=2))
        answer = await writer.request("GET", WORKFLOWS)
        assert "expired" in refused(answer, 401)
        assert answer.body["type"].endswith("expired-token")


async def test_a_repeated_key_repeats_the_answer_and_refuses_another_body(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        key = str(uuid4())
        first = await writer.request("POST", WORKFLOWS, new(), key=key)
        again = await writer.request("POST", WORKFLOWS, new(), key=key)
        assert (first.status, again.status) == (201, 201)
        assert first.body["id"] == again.body["id"]
        assert again.headers["Idempotent-Replayed"] == "true"
        refused(await writer.request("POST", WORKFLOWS, new(platforms=["blog"]), key=key), 422)
        assert len((await writer.get(WORKFLOWS))["items"]) == 1


@pytest.mark.parametrize(
    "publish",
    [
        {"scheduled_for": "2001-01-01T00:00:00Z"},
        {"scheduled_for": "2099-01-01T00:00:00"},
        {"scheduled_for": "2099-01-01T00:00:00", "time_zone": "Mars/Olympus"},
        {"scheduled_for": "2031-03-30T02:30:00", "time_zone": "Europe/Berlin"},
        {"time_zone": "Europe/Berlin"},
    ],
)
async def test_a_time_that_cannot_be_is_refused_and_the_draft_still_awaits_review(
    platform: Platform, publish: dict[str, str]
) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("blog",))
        await writer.until(workflow_id, "awaiting_review")
        answer = await writer.review(workflow_id, {"platform": "blog", "action": "accept", "publish": publish})
        refused(answer, 422)
        assert (await writer.get(f"{WORKFLOWS}/{workflow_id}"))["status"] == "awaiting_review"


async def test_a_post_waits_while_its_account_is_taken_back_and_goes_out_once_it_is_mended(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        await writer.connect("x", token="sandbox-expired")
        workflow_id = await writer.start(platforms=("x",))
        await writer.until(workflow_id, "awaiting_review")
        await writer.review(workflow_id, {"platform": "x", "action": "accept", "publish": {}})

        async def broken() -> dict[str, Any]:
            (connection,) = (await writer.get("/api/v1/connections"))["items"]
            return dict(connection) if connection["broken_at"] else {}

        connection = await eventually(broken)
        assert len(connection["problem"].split()) >= 4
        waiting = await writer.get(f"/api/v1/workflows/{workflow_id}")
        assert waiting["status"] != "failed"
        mended = await writer.request(
            "PATCH", f"/api/v1/connections/{connection['id']}", {"access_token": "sandbox-new"}
        )
        assert (mended.status, mended.body["broken_at"]) == (200, None)
        completed = await writer.until(workflow_id, "completed")
        assert [state["status"] for state in completed["states"]] == ["published"]


async def test_unknown_addresses_and_methods_are_problems_too(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        refused(await writer.request("GET", "/api/v1/nothing-here"), 404)
        refused(await writer.request("GET", f"{WORKFLOWS}/{uuid4()}"), 404)
        refused(await writer.request("GET", f"{WORKFLOWS}/not-an-id"), 422)
        refused(await writer.request("DELETE", WORKFLOWS), 405)
        refused(await writer.request("GET", f"{WORKFLOWS}?cursor=nonsense"), 400)
        refused(await writer.request("GET", f"{WORKFLOWS}?limit=1000"), 422)
