"""Somebody without an account reads drafts by a link, decides on them and comments: as JSON, and on the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.workflow.app import service as workflow
from services.workflow.domain.approval_link import CreateApprovalLink
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.desk import Answer, Desk, Someone, desk

HOSTILE = "<script>alert(1)</script> \"quoted\" & 'single' {{ 7*7 }}"


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, generation, evaluation, engine="instant", judge="instant") as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["workflow"]


@pytest.fixture
def guest(platform: Desk) -> Someone:
    """Nobody we know: without a token."""
    return Someone(platform.http, platform.urls, "", new_id())


async def waiting(ada: Someone, *platforms: str, text: str = "Bread rises because yeast breathes.") -> str:
    workflow_id = await ada.start(text, platforms=list(platforms), min_score=0)
    await ada.states(workflow_id, "awaiting_review")
    return workflow_id


async def link(ada: Someone, workflow_id: str, **body: Any) -> dict[str, Any]:
    made = await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/approval-links", body)
    assert made.status == 201, made.body
    return dict(made.body)


def token(made: dict[str, Any]) -> str:
    return str(made["url"]).rpartition("/")[2]


async def look(guest: Someone, made: dict[str, Any]) -> dict[str, Any]:
    answer = await guest.get("workflow", f"/api/v1/approvals/{token(made)}")
    assert answer.status == 200, answer.body
    return dict(answer.body)


async def decide(guest: Someone, made: dict[str, Any], **body: Any) -> Answer:
    return await guest.post("workflow", f"/api/v1/approvals/{token(made)}/decisions", body)


async def links_of(ada: Someone, workflow_id: str) -> list[dict[str, Any]]:
    return list((await ada.get("workflow", f"/api/v1/workflows/{workflow_id}/approval-links")).body["items"])


async def test_who_holds_the_link_sees_the_drafts_and_decides(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x", "linkedin")
    made = await link(ada, workflow_id, label="Dana, legal")
    assert (made["platforms"], made["uses"], made["opened_at"]) == (["linkedin", "x"], 0, None)
    seen = await look(guest, made)
    linkedin, x = seen["platforms"]
    assert (seen["label"], x["content"], x["decidable"]) == ("Dana, legal", "Bread rises because yeast breathes.", True)
    assert (x["count"]["length"], x["count"]["limit"]) == (35, 280)
    accepted = await decide(guest, made, platform="x", draft_id=x["draft_id"], action="accept")
    assert accepted.status == 200, accepted.body
    rejected = await decide(
        guest, made, platform="linkedin", draft_id=linkedin["draft_id"], action="reject", feedback="Shorter."
    )
    assert [each["status"] for each in rejected.body["platforms"]] == ["rejected", "accepted"]
    states = (await ada.get("workflow", f"/api/v1/workflows/{workflow_id}")).body["states"]
    assert {each["platform"]: (each["status"], each["job_id"]) for each in states} == {
        "linkedin": ("rejected", None), "x": ("accepted", None)
    }  # fmt: skip
    (shown,) = await links_of(ada, workflow_id)
    assert (shown["uses"], shown["url"]) == (2, made["url"])
    assert shown["opened_at"] <= shown["last_used_at"]


async def test_another_draft_can_be_asked_for(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x")
    made = await link(ada, workflow_id)
    (x,) = (await look(guest, made))["platforms"]
    asked = {"platform": "x", "draft_id": x["draft_id"], "action": "reject", "regenerate": True, "feedback": "Again."}
    assert (await decide(guest, made, **asked)).status == 200
    await ada.drafts(workflow_id, 2)
    await ada.states(workflow_id, "awaiting_review")
    stale = await decide(guest, made, platform="x", draft_id=x["draft_id"], action="accept")
    assert (stale.status, stale.body["current"]["iteration"]) == (409, 2)
    assert (await links_of(ada, workflow_id))[0]["uses"] == 1  # what was refused is no use


async def test_a_link_covers_its_platforms_only(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x", "blog")
    made = await link(ada, workflow_id, platforms=["x"])
    assert [each["platform"] for each in (await look(guest, made))["platforms"]] == ["x"]
    blog = (await ada.states(workflow_id, "awaiting_review"))["blog"]
    refused = await decide(guest, made, platform="blog", draft_id=blog["active_draft_id"], action="accept")
    assert (refused.status, "does not cover blog" in refused.body["detail"]) == (403, True)
    said = {"platform": "blog", "draft_id": blog["active_draft_id"], "body": "No."}
    assert (await guest.post("workflow", f"/api/v1/approvals/{token(made)}/comments", said)).status == 403
    assert (await ada.states(workflow_id, "awaiting_review"))["blog"]["status"] == "awaiting_review"


async def test_a_link_ends_when_it_is_withdrawn_or_its_time_is_over(ada: Someone, guest: Someone, kit: Kit) -> None:
    workflow_id = await waiting(ada, "x")
    made = await link(ada, workflow_id)
    path = f"/api/v1/workflows/{workflow_id}/approval-links/{made['id']}"
    assert (await guest.delete("workflow", path)).status == 401
    assert (await ada.delete("workflow", path)).status == 204
    assert (await ada.delete("workflow", path)).status == 204
    gone = await guest.get("workflow", f"/api/v1/approvals/{token(made)}")
    assert (gone.status, "expired or was withdrawn" in gone.body["detail"]) == (410, True)

    now = datetime.now(UTC)
    soon = now + timedelta(milliseconds=300)
    short = CreateApprovalLink(new_id(), UUID(workflow_id), ada.user_id, ("x",), "", soon, now)
    await kit.handle(short, actor=ada.user_id)
    address = f"/api/v1/approvals/{kit.tools.approval_tokens.issue(short.link_id, soon)}"
    async with asyncio.timeout(30):
        while (await guest.get("workflow", address)).status != 410:  # noqa: ASYNC110 (its time is over)
            await asyncio.sleep(0.02)
    assert datetime.now(UTC) > soon


@pytest.mark.parametrize("forged", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 900])
async def test_a_token_we_did_not_make_opens_nothing(guest: Someone, forged: str) -> None:
    assert (await guest.get("workflow", f"/api/v1/approvals/{forged}")).status == 404
    async with guest.http.get(f"{guest.urls['workflow']}/approve/{forged}") as page:
        assert (page.status, page.content_type) == (404, "text/html")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"expires_in_hours": 0}, 422),
        ({"expires_in_hours": 2161}, 422),
        ({"platforms": []}, 422),
        ({"platforms": ["x", "x"]}, 422),
        ({"platforms": ["fax"]}, 422),
        ({"platforms": ["blog"]}, 422),
        ({"label": "x" * 101}, 422),
        ({"label": "a\x00b"}, 422),
        ({"forever": True}, 422),
    ],
)
async def test_a_link_that_makes_no_sense_is_refused(ada: Someone, body: dict[str, Any], status: int) -> None:
    workflow_id = await waiting(ada, "x")
    answer = await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/approval-links", body)
    assert answer.status == status, answer.body
    assert await links_of(ada, workflow_id) == []


async def test_links_are_made_by_the_owner_once_a_key_and_not_for_what_is_archived(
    platform: Desk, ada: Someone
) -> None:
    workflow_id = await waiting(ada, "x")
    path = f"/api/v1/workflows/{workflow_id}/approval-links"
    for stranger in (platform.someone(), platform.someone("reviewer")):
        assert (await stranger.post("workflow", path, {})).status == 404
        assert (await stranger.get("workflow", path)).status == 404
    made = [await ada.send("workflow", "POST", path, {}, {"Idempotency-Key": "once"}) for _ in range(2)]
    assert [each.status for each in made] == [201, 201]
    assert made[0].body == made[1].body
    assert len(await links_of(ada, workflow_id)) == 1
    assert (await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/archive", None)).status == 200
    assert (await ada.post("workflow", path, {})).status == 409


async def test_comments_come_from_owner_reviewers_and_links(platform: Desk, ada: Someone, guest: Someone) -> None:
    eve, bob = platform.someone("reviewer"), platform.someone()
    workflow_id = await waiting(ada, "x")
    draft = (await ada.states(workflow_id, "awaiting_review"))["x"]["active_draft_id"]
    path, on = f"/api/v1/workflows/{workflow_id}/comments", {"platform": "x", "draft_id": draft}
    made = await link(ada, workflow_id, label="Dana")
    said = [
        await ada.post("workflow", path, {**on, "body": " Mine. "}),
        await eve.post("workflow", path, {**on, "body": "Too short."}),
        await guest.post("workflow", f"/api/v1/approvals/{token(made)}/comments", {**on, "body": HOSTILE}),
    ]
    assert [each.status for each in said] == [201, 201, 201]
    assert (await bob.post("workflow", path, {**on, "body": "Hi."})).status == 404
    assert (await bob.get("workflow", path)).status == 404
    listed = (await ada.get("workflow", path)).body["items"]
    assert [each["body"] for each in listed] == [HOSTILE, "Too short.", "Mine."]
    assert [each["author"] for each in listed] == ["Dana", f"user-{eve.user_id}", f"user-{ada.user_id}"]
    assert (listed[0]["link_id"], listed[0]["author_id"]) == (made["id"], None)
    assert [each["body"] for each in (await look(guest, made))["comments"]] == [HOSTILE]  # others' are not theirs

    mine, theirs, linked = (each["id"] for each in reversed(listed))
    assert (await ada.post("workflow", f"{path}/{theirs}/resolve", None)).body["resolved_by"] == str(ada.user_id)
    assert (await ada.delete("workflow", f"{path}/{linked}")).status == 403
    assert (await eve.delete("workflow", f"{path}/{theirs}")).status == 204
    assert (await bob.delete("workflow", f"{path}/{mine}")).status == 404
    assert (await ada.post("workflow", f"{path}/{theirs}/resolve", None)).status == 404
    assert (await eve.post("workflow", f"{path}/{linked}/resolve", None)).status == 200
    open_ones = (await ada.get("workflow", path, resolved="false", platform="x", draft_id=draft)).body["items"]
    assert [each["id"] for each in open_ones] == [mine]
    older = await ada.post("workflow", path, {"platform": "x", "draft_id": str(new_id()), "body": "Hm."})
    assert (older.status, older.body["current"]["active_draft_id"]) == (409, draft)
    for body in ("", "x" * 5001, "a\x00b"):
        assert (await ada.post("workflow", path, {**on, "body": body})).status == 422
    assert (await ada.post("workflow", path, {**on, "body": "   "})).status == 422


async def page(
    guest: Someone, made: dict[str, Any], form: dict[str, str] | None = None, query: str = "", **headers: str
) -> tuple[aiohttp.ClientResponse, str]:
    method = "GET" if form is None else "POST"
    url = f"{guest.urls['workflow']}/approve/{token(made)}{query}"
    async with guest.http.request(method, url, data=form, headers=headers) as answer:
        return answer, await answer.text()


def forms(html: str) -> list[dict[str, str]]:
    """The forms of the page: what their hidden fields say."""
    return [
        {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}
        for form in re.findall(r"<form.*?</form>", html, re.DOTALL)
    ]


async def test_the_page_needs_no_script_and_shows_everything_as_text(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x", text=HOSTILE)
    made = await link(ada, workflow_id, label=HOSTILE)
    answer, html = await page(guest, made)
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in unescape(html)
    assert "of 280" in html
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "Set-Cookie" not in answer.headers
    assert [form["action"] for form in forms(html)] == ["accept", "reject", "comment"]


async def test_the_page_comments_and_accepts(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x")
    made = await link(ada, workflow_id)
    _, html = await page(guest, made)
    accept, _, comment = forms(html)
    answer, html = await page(guest, made, {**comment, "text": "Fine & good.", "name": "Dana"})
    assert (answer.status, answer.method, "passed on" in html) == (200, "GET", True)
    assert "<strong>Dana</strong>" in html
    assert "Fine &amp; good." in html
    answer, html = await page(guest, made, accept)
    assert "Accepted. Thank you." in html
    assert [form["action"] for form in forms(html)] == ["comment"]
    assert (await ada.states(workflow_id, "accepted"))["x"]["status"] == "accepted"
    again, html = await page(guest, made, accept)
    assert (again.status, "not awaiting review" in html) == (409, True)


async def test_the_page_refuses_what_it_did_not_offer(ada: Someone, guest: Someone) -> None:
    workflow_id = await waiting(ada, "x")
    made = await link(ada, workflow_id)
    _, html = await page(guest, made)
    accept, _, comment = forms(html)
    cases: list[tuple[dict[str, str], int]] = [
        ({}, 422),
        ({**accept, "action": "publish"}, 422),
        ({**accept, "draft_id": "1"}, 422),
        ({**accept, "draft_id": str(new_id())}, 409),
        ({**accept, "platform": "blog"}, 403),
        ({**comment, "text": " "}, 422),
        ({**comment, "text": "x" * 5001}, 422),
        ({**comment, "text": "a\x00b"}, 422),
        ({f"field{n}": "x" for n in range(30)}, 422),
    ]
    for form, status in cases:
        answer, html = await page(guest, made, form)
        assert (answer.status, 'role="alert"' in html) == (status, True), form
    forged, _ = await page(guest, made, accept, **{"Sec-Fetch-Site": "cross-site"})
    assert forged.status == 403
    assert (await ada.states(workflow_id, "awaiting_review"))["x"]["status"] == "awaiting_review"
    assert (await links_of(ada, workflow_id))[0]["uses"] == 0


@pytest.mark.parametrize(("platform_name", "length", "fits"), [("x", 35, True), ("linkedin", 35, True)])
async def test_counters_while_writing(ada: Someone, platform_name: str, length: int, fits: bool) -> None:
    path = f"/api/v1/platforms/{platform_name}/count"
    counted = await ada.post("workflow", path, {"text": "Bread rises because yeast breathes."})
    assert (counted.status, counted.body["length"], counted.body["fits"]) == (200, length, fits)
    thread = (await ada.post("workflow", "/api/v1/platforms/x/count", {"text": "Bread rises. " * 200})).body["thread"]
    assert len(thread) > 1


async def test_counting_refuses_what_it_cannot_count(ada: Someone, guest: Someone) -> None:
    path = "/api/v1/platforms/x/count"
    assert (await guest.post("workflow", path, {"text": "a"})).status == 401
    assert (await ada.post("workflow", "/api/v1/platforms/fax/count", {"text": "a"})).status == 422
    for body in ({}, {"text": None}, {"text": "x" * 50_001}, {"text": "a\x00"}, {"text": "a", "limit": 3}):
        assert (await ada.post("workflow", path, body)).status == 422
