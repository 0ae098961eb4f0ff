"""The sandbox refuses what the platforms document that they refuse, in their words and headers."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from tests.sandbox import appview
from tests.sandbox.server import running

ADA = {"Authorization": "Bearer sandbox-ada"}
VERSIONED = {**ADA, "LinkedIn-Version": "202610", "X-Restli-Protocol-Version": "2.0.0"}


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with running() as base_url, aiohttp.ClientSession(base_url) as session:
        yield session


@pytest.fixture(autouse=True)
async def _fresh(http: aiohttp.ClientSession) -> None:
    await http.post("/sandbox/reset")


async def asked(
    http: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str] = ADA, json: Any = None
) -> tuple[int, Any, Any]:
    async with http.request(method, path, headers=headers, json=json) as response:
        body = await response.json() if "json" in response.content_type else await response.text()
        return response.status, body, response.headers


async def share(
    http: aiohttp.ClientSession, headers: dict[str, str] = VERSIONED, **changes: Any
) -> tuple[int, Any, Any]:
    _, me, _ = await asked(http, "GET", "/v2/userinfo")
    body = {
        "author": f"urn:li:person:{me['sub']}",
        "commentary": "Hello",
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    return await asked(http, "POST", "/rest/posts", headers, {**body, **changes})


async def test_x_creates_reads_and_deletes(http: aiohttp.ClientSession) -> None:
    status, created, headers = await asked(http, "POST", "/2/tweets", json={"text": "a < b"})
    assert (status, created["data"]["text"]) == (201, "a &lt; b")
    assert headers["x-rate-limit-remaining"] == "99"
    assert 0 < int(headers["x-rate-limit-reset"]) - time.time() <= 901
    identity = created["data"]["id"]
    reply = {"text": "and more", "reply": {"in_reply_to_tweet_id": identity}}
    assert (await asked(http, "POST", "/2/tweets", json=reply))[0] == 201

    _, me, _ = await asked(http, "GET", "/2/users/me")
    path = f"/2/users/{me['data']['id']}/tweets?tweet.fields=referenced_tweets,created_at"
    _, timeline, _ = await asked(http, "GET", path)
    assert [t["text"] for t in timeline["data"]] == ["and more", "a &lt; b"]
    assert timeline["data"][0]["referenced_tweets"] == [{"type": "replied_to", "id": identity}]
    assert timeline["meta"]["result_count"] == 2
    _, later, _ = await asked(http, "GET", path + "&start_time=2999-01-01T00:00:00Z")
    assert later == {"meta": {"result_count": 0}}

    status, page, _ = await asked(http, "GET", f"/x/ada/status/{identity}")
    assert status == 200
    assert page.index("a &lt; b") < page.index("and more")
    assert (await asked(http, "DELETE", f"/2/tweets/{identity}"))[1] == {"data": {"deleted": True}}
    assert (await asked(http, "GET", f"/x/ada/status/{identity}"))[0] == 404


@pytest.mark.parametrize("token", ["", "Bearer forged", "Basic sandbox-ada", "Bearer sandbox-expired"])
async def test_x_wants_a_living_token(http: aiohttp.ClientSession, token: str) -> None:
    for method, path in (
        ("POST", "/2/tweets"),
        ("GET", "/2/users/me"),
        ("DELETE", "/2/tweets/1"),
        ("GET", "/2/users/1/tweets"),
    ):
        status, body, _ = await asked(http, method, path, {"Authorization": token}, {"text": "x"})
        assert status == 401
        assert body == {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "x" * 280}, 201),
        ({"text": "x" * 281}, 403),
        ({"text": "漢" * 140}, 201),
        ({"text": "漢" * 141}, 403),
        ({"text": "x" * 256 + " https://example.com/" + "y" * 300}, 201),
        ({"text": ""}, 400),
        ({"text": 5}, 400),
        ({}, 400),
        (["text"], 400),
        ({"text": "x", "colour": "red"}, 400),
        ({"text": "x", "reply": {"in_reply_to_tweet_id": "1"}}, 403),
    ],
)
async def test_x_judges_what_is_posted(http: aiohttp.ClientSession, body: Any, status: int) -> None:
    assert (await asked(http, "POST", "/2/tweets", json=body))[0] == status


async def test_x_refuses_a_duplicate_of_the_same_user_only(http: aiohttp.ClientSession) -> None:
    assert (await asked(http, "POST", "/2/tweets", json={"text": "Once"}))[0] == 201
    status, body, _ = await asked(http, "POST", "/2/tweets", json={"text": "Once"})
    assert status == 403
    assert body["detail"] == "You are not allowed to create a Tweet with duplicate content."
    assert (await asked(http, "POST", "/2/tweets", {"Authorization": "Bearer sandbox-bob"}, {"text": "Once"}))[0] == 201


async def test_x_takes_a_hundred_posts_a_window_and_user(http: aiohttp.ClientSession) -> None:
    for n in range(100):
        assert (await asked(http, "POST", "/2/tweets", json={"text": f"Post {n}"}))[0] == 201
    status, body, headers = await asked(http, "POST", "/2/tweets", json={"text": "Post 100"})
    assert (status, body["title"]) == (429, "Too Many Requests")
    assert (headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == ("100", "0")
    assert (await asked(http, "POST", "/2/tweets", {"Authorization": "Bearer sandbox-bob"}, {"text": "x"}))[0] == 201


async def test_x_tells_how_posts_are_doing(http: aiohttp.ClientSession) -> None:
    _, created, _ = await asked(http, "POST", "/2/tweets", json={"text": "Hello"})
    identity = created["data"]["id"]
    await asked(http, "POST", "/sandbox/figures", json={"post_id": identity, "likes": 3, "views": 40})
    status, answer, headers = await asked(http, "GET", f"/2/tweets?ids={identity},1&tweet.fields=public_metrics")
    assert (status, headers["x-rate-limit-limit"]) == (200, "900")
    assert answer["data"][0]["public_metrics"] == {
        "retweet_count": 0,
        "reply_count": 0,
        "like_count": 3,
        "quote_count": 0,
        "bookmark_count": 0,
        "impression_count": 40,
    }
    assert [error["resource_id"] for error in answer["errors"]] == ["1"]
    assert "public_metrics" not in (await asked(http, "GET", f"/2/tweets?ids={identity}"))[1]["data"][0]
    assert (await asked(http, "GET", "/2/tweets"))[0] == 400
    assert (await asked(http, "GET", f"/2/tweets?ids={identity}", {"Authorization": "Bearer forged"}))[0] == 401


async def test_linkedin_tells_few_apps_how_posts_are_doing(http: aiohttp.ClientSession) -> None:
    urn = (await share(http))[2]["x-restli-id"]
    await asked(http, "POST", "/sandbox/figures", json={"post_id": urn, "likes": 4, "comments": 1})
    path = f"/rest/socialMetadata/{urn}"
    status, body, _ = await asked(http, "GET", path, VERSIONED)
    assert (status, body["code"]) == (403, "ACCESS_DENIED")
    partner = {**VERSIONED, "Authorization": "Bearer sandbox-partner"}
    status, body, _ = await asked(http, "GET", path, partner)
    assert status == 200
    assert {kind: each["count"] for kind, each in body["reactionSummaries"].items()} == {"LIKE": 3, "PRAISE": 1}
    assert body["commentSummary"] == {"count": 1, "topLevelCount": 1}
    assert (await asked(http, "GET", "/rest/socialMetadata/urn:li:share:1", partner))[0] == 404


async def test_the_app_view_answers_servers_that_ask_for_their_users(http: aiohttp.ClientSession) -> None:
    uri = "at://did:plc:ada/app.bsky.feed.post/1"
    await asked(http, "POST", "/sandbox/figures", json={"post_id": uri, "likes": 2})
    claims = {"iss": "did:plc:ada", "aud": appview.DID, "lxm": appview.GET_POSTS, "exp": time.time() + 60}
    path = f"/xrpc/{appview.GET_POSTS}?uris={uri}&uris=at://elsewhere"
    for changed, status in (({}, 200), ({"lxm": "app.bsky.feed.getTimeline"}, 401), ({"aud": "did:web:other"}, 401)):
        token = jwt.encode({**claims, **changed}, "x" * 32, algorithm="HS256")
        answer = await asked(http, "GET", path, {"Authorization": f"Bearer {token}"})
        assert answer[0] == status
        if status == 200:
            assert [(post["uri"], post["likeCount"]) for post in answer[1]["posts"]] == [(uri, 2)]
    assert (await asked(http, "GET", path, {}))[0] == 401


async def test_linkedin_shares_and_deletes(http: aiohttp.ClientSession) -> None:
    status, body, headers = await share(http, commentary=r"Hello \(world\) {hashtag|\#|kafka} @[Ada](urn:li:person:1)")
    assert (status, body) == (201, "")
    urn = headers["x-restli-id"]
    assert "Hello (world) #kafka Ada" in (await asked(http, "GET", f"/linkedin/feed/update/{urn}"))[1]
    assert (await asked(http, "GET", f"/rest/posts/{urn}", VERSIONED))[0] == 403
    assert (await asked(http, "DELETE", f"/rest/posts/{urn}", VERSIONED))[0] == 204
    assert (await asked(http, "GET", f"/linkedin/feed/update/{urn}"))[0] == 404


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"LinkedIn-Version": ""}, 400, "VERSION_MISSING"),
        ({"LinkedIn-Version": "202401"}, 426, "NONEXISTENT_VERSION"),
        ({"LinkedIn-Version": "999901"}, 426, "NONEXISTENT_VERSION"),
        ({"LinkedIn-Version": "202613"}, 426, "NONEXISTENT_VERSION"),
        ({"X-Restli-Protocol-Version": "1.0.0"}, 400, "ILLEGAL_ARGUMENT"),
        ({"Authorization": "Bearer forged"}, 401, "INVALID_ACCESS_TOKEN"),
        ({"Authorization": "Bearer sandbox-expired"}, 401, "EXPIRED_ACCESS_TOKEN"),
        ({"Authorization": "Bearer sandbox-readonly"}, 403, "ACCESS_DENIED"),
        ({"Authorization": "Bearer sandbox-bob"}, 403, "ACCESS_DENIED"),
    ],
)
async def test_linkedin_wants_its_headers(
    http: aiohttp.ClientSession, headers: dict[str, str], status: int, code: str
) -> None:
    got, body, _ = await share(http, {**VERSIONED, **headers})
    assert (got, body["status"], body["code"]) == (status, status, code)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"commentary": "x" * 3000}, 201),
        ({"commentary": "x" * 3001}, 422),
        ({"commentary": r"\(" * 3000}, 201),
        ({"commentary": ""}, 422),
        ({"commentary": "Hello (world)"}, 400),
        ({"commentary": "a_b"}, 400),
        ({"commentary": "trailing \\"}, 400),
        ({"visibility": "EVERYONE"}, 422),
        ({"lifecycleState": "LIVE"}, 422),
        ({"distribution": "MAIN_FEED"}, 422),
        ({"author": "urn:li:person:1"}, 403),
    ],
)
async def test_linkedin_judges_what_is_shared(
    http: aiohttp.ClientSession, changes: dict[str, Any], status: int
) -> None:
    assert (await share(http, **changes))[0] == status


async def test_linkedin_refuses_a_duplicate_and_names_it(http: aiohttp.ClientSession) -> None:
    urn = (await share(http))[2]["x-restli-id"]
    status, body, _ = await share(http)
    assert (status, body["message"]) == (422, f"Content is a duplicate of {urn}")


async def test_linkedin_takes_images(http: aiohttp.ClientSession) -> None:
    _, me, _ = await asked(http, "GET", "/v2/userinfo")
    body = {"initializeUploadRequest": {"owner": f"urn:li:person:{me['sub']}"}}
    status, answer, _ = await asked(http, "POST", "/rest/images?action=initializeUpload", VERSIONED, body)
    assert status == 200
    assert answer["value"]["image"].startswith("urn:li:image:")
    async with aiohttp.request("PUT", answer["value"]["uploadUrl"], headers=ADA, data=b"\x89PNG") as put:
        assert put.status == 201
    assert (await asked(http, "POST", "/rest/images?action=other", VERSIONED, body))[0] == 400


async def test_faults_happen_as_often_as_asked_and_only_where_asked(http: aiohttp.ClientSession) -> None:
    async with http.post("/sandbox/faults", json={"platform": "x", "kind": "http_500", "count": 2}) as ordered:
        assert ordered.status == 204
    assert (await share(http))[0] == 201
    answers = [(await asked(http, "POST", "/2/tweets", json={"text": "Hello"}))[0] for _ in range(3)]
    assert answers == [500, 500, 201]
    listed = (await asked(http, "GET", "/sandbox/posts"))[1]["posts"]
    assert [(p["platform"], p["text"]) for p in listed] == [("linkedin", "Hello"), ("x", "Hello")]


async def test_a_fault_nobody_knows_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/sandbox/faults", json={"platform": "x", "kind": "meteor"}) as ordered:
        assert ordered.status == 422


async def test_it_runs_as_a_program(unused_tcp_port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sandbox", "--port", str(unused_tcp_port)
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{unused_tcp_port}/sandbox/health") as answer:
                        assert await answer.json() == {"status": "ok"}
                        break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.05)
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) in (0, -15)
