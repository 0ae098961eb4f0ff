"""One article in, reviewed and published posts out, on both brokers."""

from __future__ import annotations

import asyncio
from typing import Any

from services.generation.engines.provenance import provenance
from tests.e2e.conftest import Platform
from tests.e2e.user import ARTICLE, user
from tests.waiting import eventually

OTHER = """# Sharpening a kitchen knife

A sharp knife is safer than a dull one, because it does not slip. A whetstone of 1000 grit brings back the edge.
Hold the blade at 15 degrees and draw it across the stone. Count ten strokes on each side, then test it on paper.
A honing steel keeps the edge between two sharpenings. It straightens the edge but removes no steel.
"""


def publish(platform: str, **more: Any) -> dict[str, Any]:
    return {"platform": platform, "action": "accept", "publish": {}, **more}


async def test_an_article_becomes_published_posts(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        await writer.connect("x", "linkedin")
        workflow_id = await writer.start()
        ready = await writer.until(workflow_id, "awaiting_review")
        assert {state["status"] for state in ready["states"]} == {"awaiting_review"}
        assert ready["unavailable"] == []
        for draft in ready["drafts"]:
            assert "missing" not in [origin for _, origin in provenance(draft["content"], ARTICLE)]
        for verdict in ready["evaluations"]:
            assert set(verdict["criteria_scores"]) == {
                "platform_appropriateness", "style_consistency", "clarity", "engagement", "grammar",
            }  # fmt: skip
        answer = await writer.review(workflow_id, publish("linkedin"), publish("x"), publish("blog"))
        assert answer.status == 200, answer
        done = await writer.until(workflow_id, "completed")
        assert {state["status"] for state in done["states"]} == {"published"}
        assert {job["status"] for job in done["jobs"]} == {"published"}
        for state in done["states"]:
            assert (await writer.request("GET", state["url"])).status == 200


async def test_another_source_gives_other_drafts(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        first, second = await writer.start(), await writer.start(OTHER)
        about_bread = await writer.until(first, "awaiting_review")
        about_knives = await writer.until(second, "awaiting_review")
        for one, other in zip(about_bread["drafts"], about_knives["drafts"], strict=False):
            assert one["content"] != other["content"]
        assert all("yeast" not in draft["content"].lower() for draft in about_knives["drafts"])


async def test_a_draft_below_the_bar_is_written_again_until_the_tries_are_used_up(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("x",), min_score=100, max_iterations=2)
        ready = await writer.until(workflow_id, "awaiting_review")
        assert ready["states"][0]["iteration"] == 2
        assert ready["states"][0]["reason"] == "iterations_used_up"
        first, second = sorted(ready["drafts"], key=lambda draft: draft["iteration"])
        assert second["based_on_id"] == first["id"]
        assert second["content"] != first["content"]


async def test_edits_refine_or_publish_and_rejections_regenerate(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        await writer.connect("x")
        workflow_id = await writer.start(platforms=("x", "blog"))
        await writer.until(workflow_id, "awaiting_review")
        edited = "Bread rises because yeast breathes. #baking #bread"
        answer = await writer.review(
            workflow_id,
            {"platform": "x", "action": "edit_and_publish", "content": edited},
            {"platform": "blog", "action": "reject", "regenerate": True, "feedback": "Begin with the practical part."},
        )
        assert answer.status == 200, answer
        ready = await writer.until(workflow_id, "awaiting_review")
        human = [draft for draft in ready["drafts"] if draft["source"] == "human"]
        assert [draft["content"] for draft in human] == [edited]
        await writer.review(workflow_id, {"platform": "blog", "action": "edit_and_refine", "content": "My own start."})
        refined = await writer.until(workflow_id, "awaiting_review")
        (own,) = [draft for draft in refined["drafts"] if draft["content"] == "My own start."]
        assert [draft for draft in refined["drafts"] if draft["based_on_id"] == own["id"]]
        await writer.review(workflow_id, {"platform": "blog", "action": "reject"})
        done = await writer.until(workflow_id, "completed")
        assert {state["platform"]: state["status"] for state in done["states"]} == {
            "x": "published",
            "blog": "rejected",
        }
        accepted = await platform.sandbox.accepted("x")
        assert sum(post["text"] == edited for post in accepted) == 1


async def test_progress_is_live_and_resumes_after_the_last_event(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("blog",))
        seen: list[tuple[int, str]] = []
        async with asyncio.timeout(30):
            async for number, event in writer.stream(workflow_id):
                seen.append((number, event["type"]))
                if event["type"] == "PlatformReadyForReview":
                    break
        assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
        assert [kind for _, kind in seen][:2] == ["WorkflowStarted", "DraftRequested"]
        async with asyncio.timeout(30):
            async for number, event in writer.stream(workflow_id, after=2):
                assert (number, event["type"]) == seen[2]
                break


async def test_the_history_tells_what_every_service_did(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("blog",))
        await writer.until(workflow_id, "awaiting_review")
        await writer.review(workflow_id, publish("blog"))
        await writer.until(workflow_id, "completed")
        history = await writer.get(f"/api/v1/workflows/{workflow_id}/history")
        events = history["items"] if isinstance(history, dict) else history
        told = {(event["service"], event["type"]) for event in events}
        assert {
            ("workflow", "WorkflowStarted"),
            ("generation", "DraftCreated"),
            ("evaluation", "DraftEvaluated"),
            ("publishing", "JobPublished"),
            ("workflow", "WorkflowCompleted"),
        } <= told
        assert events[0]["type"] == "WorkflowStarted"


async def test_a_scheduled_post_waits_and_can_be_called_off(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_id = await writer.start(platforms=("blog",))
        await writer.until(workflow_id, "awaiting_review")
        later = {"scheduled_for": "2099-05-01T09:00:00", "time_zone": "Europe/Berlin"}
        answer = await writer.review(workflow_id, {"platform": "blog", "action": "accept", "publish": later})
        assert answer.status == 200, answer

        async def listed() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await writer.get(f"/api/v1/jobs?workflow_id={workflow_id}"))["items"]
            return found

        jobs = await eventually(listed)
        assert jobs[0]["status"] == "scheduled"
        assert jobs[0]["scheduled_for"].startswith("2099-05-01T07:00:00")
        cancelled = await writer.request("POST", f"/api/v1/jobs/{jobs[0]['id']}/cancel")
        assert cancelled.status == 200, cancelled
        assert (await writer.get(f"/api/v1/jobs/{jobs[0]['id']}"))["status"] == "cancelled"
