"""One article on its way to five platforms: a real Ghost and a real Bluesky server, the blog, and two stand-ins."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from pathlib import Path
from typing import Any

import aiohttp

from services.generation.engines.provenance import provenance
from shared.platforms import measure
from shared.telemetry.tracefiles import Span, find_story
from tests.e2e.conftest import Platform
from tests.e2e.user import User, user
from tests.pictures import png
from tests.servers.bluesky import BlueskyServer
from tests.servers.ghost import GhostServer

ARTICLE = (Path(__file__).parents[1] / "samples" / "article.md").read_text("utf-8")
PLATFORMS = ("blog", "linkedin", "x", "ghost", "bluesky")
ALT_TEXT = 'Two loaves, one of them "frozen & warmed".'


async def test_one_article_stands_on_five_platforms_with_its_image_described(
    platform: Platform, ghost: GhostServer, bluesky: BlueskyServer
) -> None:
    account = await bluesky.account(f"ada-{secrets.token_hex(4)}")
    async with user(platform.gateway) as writer:
        await writer.connect("x", "linkedin")
        on_ghost = await connected(writer, "ghost", instance_url=ghost.url, access_token=ghost.admin_key)
        on_bluesky = await connected(
            writer, "bluesky", instance_url=bluesky.url, username=account.handle, access_token=account.app_password
        )
        assert (on_ghost, on_bluesky) == ("The bakery", account.handle)
        image = {"file_id": await uploaded(writer, "loaves.png", png()), "alt_text": ALT_TEXT}

        workflow_id = await writer.start(ARTICLE, PLATFORMS)
        ready = await writer.until(workflow_id, "awaiting_review", within=90)
        drafts = {draft["platform"]: draft for draft in ready["drafts"]}
        for draft in drafts.values():
            assert "missing" not in [origin for _, origin in provenance(draft["content"], ARTICLE, draft["title"])]
        decisions = [accepted(name, [] if name == "blog" else [image]) for name in PLATFORMS]
        reviewed = await writer.review(workflow_id, *decisions)
        assert reviewed.status == 200, reviewed
        done = await writer.until(workflow_id, "completed", within=90)
        assert {state["platform"]: state["status"] for state in done["states"]} == dict.fromkeys(PLATFORMS, "published")
        urls = {state["platform"]: state["url"] for state in done["states"]}

        article = await read(urls["ghost"])
        for sentence in ("Rainy Tuesdays sold 40 percent less rye bread", "<h2", "Bake in two rounds"):
            assert sentence in article
        assert 'alt="Two loaves, one of them &quot;frozen &amp; warmed&quot;."' in article
        lying = re.search(r"/content/images/(?:size/\w+/)?(\d+/\d+/[\w-]+\.png)", article)
        assert lying is not None
        assert (await fetched(f"{ghost.url}/content/images/{lying[1]}"))[:8] == png()[:8]

        (record,) = await bluesky.records(account)
        assert record["value"]["text"] == drafts["bluesky"]["content"]
        assert record["value"]["langs"] == ["en"]
        (shown,) = record["value"]["embed"]["images"]
        assert shown["alt"] == ALT_TEXT
        assert await bluesky.blob(account, shown["image"]["ref"]["$link"]) == png()
        assert record["uri"].rpartition("/")[2] in urls["bluesky"]

        posts = await platform.sandbox.accepted()
        first = next(each for each in posts if each["url"] == urls["x"])
        thread = [each for each in posts if (each["platform"], each["user_id"]) == ("x", first["user_id"])]
        assert [post["in_reply_to"] for post in thread] == [None, *(post["id"] for post in thread[:-1])]
        assert [post["text"].partition(" ")[0] for post in thread] == [
            f"{number}/{len(thread)}" for number in range(1, len(thread) + 1)
        ]
        assert len(thread) > 3
        assert all(measure("x", post["text"]) <= 280 for post in thread)
        on_linkedin = next(each for each in posts if each["url"] == urls["linkedin"])
        assert [alt for post in (first, on_linkedin) for _, alt in post["raw"]["images"]] == [ALT_TEXT, ALT_TEXT]
        assert "Bake in two rounds" in await read(urls["blog"])

        roots, below = await tree(platform, reviewed.headers["x-trace-id"])
        assert [(root.service, root.name) for root in roots] == [("gateway", "POST /api/v1/workflows/{path}")]
        assert below >= {"publishing work publish", "workflow process JobPublished"}


def accepted(name: str, media: list[dict[str, str]]) -> dict[str, Any]:
    return {"platform": name, "action": "accept", "publish": {"media": media}}


async def connected(writer: User, name: str, **account: str) -> str:
    """Connect an account, and whose it is as the platform says."""
    body = {"platform": name, "name": f"My {name}", **account}
    made = await writer.request("POST", "/api/v1/connections", body)
    assert made.status == 201, made
    tested = await writer.request("POST", f"/api/v1/connections/{made.body['id']}/test")
    assert tested.body["ok"], tested
    return str(tested.body["username"])


async def uploaded(writer: User, name: str, data: bytes) -> str:
    form = aiohttp.FormData()
    form.add_field("file", data, filename=name)
    answer = await writer.request("POST", "/api/v1/files", form=form)
    assert answer.status == 201, answer
    return str(answer.body["id"])


async def fetched(url: str) -> bytes:
    async with aiohttp.request("GET", url) as answer:
        assert answer.status == 200, url
        return await answer.read()


async def read(url: str) -> str:
    return (await fetched(url)).decode()


async def tree(platform: Platform, trace_id: str) -> tuple[list[Span], set[str]]:
    """The roots of a trace and what hangs below them, once all of it has come to its files or half a minute is over."""
    roots: list[Span] = []
    below: list[Span] = []
    ends = time.monotonic() + 30
    while len(roots) != 1 or sum(span.name == "work publish" for span in below) < len(PLATFORMS):
        if time.monotonic() > ends:
            break
        await asyncio.sleep(0.2)
        below = [span for span in find_story(trace_id, platform.traces).spans if span.trace_id == trace_id]
        known = {span.span_id for span in below}
        roots = [span for span in below if span.parent_id not in known]
    return roots, {f"{span.service} {span.name}" for span in below}
