"""The declared matrix of spans: which span of which service follows from which, in one trace from request to post."""

from __future__ import annotations

import asyncio

import aiohttp

from shared.telemetry.tracefiles import Span, find_story
from tests.e2e.conftest import Platform
from tests.e2e.user import user

Edge = tuple[str, str, str, str]  # service and span, then service and span that follow from it

STARTING: set[Edge] = {
    ("gateway", "POST /api/v1/workflows/{path}", "workflow", "POST /api/v1/workflows"),
    ("workflow", "POST /api/v1/workflows", "workflow", "send presswork.workflow"),
    ("workflow", "POST /api/v1/workflows", "generation", "process WorkflowStarted"),
    ("workflow", "POST /api/v1/workflows", "generation", "process DraftRequested"),
    ("generation", "process DraftRequested", "generation", "work write"),
    ("generation", "work write", "generation", "send presswork.generation"),
    ("generation", "work write", "workflow", "process DraftCreated"),
    ("generation", "work write", "publishing", "process DraftCreated"),
    ("generation", "work write", "evaluation", "process DraftCreated"),
    ("evaluation", "process DraftCreated", "evaluation", "work judge"),
    ("evaluation", "work judge", "workflow", "process DraftEvaluated"),
}
REVIEWING: set[Edge] = {
    (
        "gateway",
        "POST /api/v1/workflows/{path}",
        "workflow",
        "POST /api/v1/workflows/{workflow_id}/review",
    ),
    ("workflow", "POST /api/v1/workflows/{workflow_id}/review", "publishing", "process PublicationRequested"),
    ("publishing", "process PublicationRequested", "publishing", "work publish"),
    ("publishing", "work publish", "publishing", "send presswork.publishing"),
    ("publishing", "work publish", "workflow", "process JobPublished"),
}


def edges(spans: tuple[Span, ...]) -> set[Edge]:
    """Every pair of a span and a visible span above it with nothing but client spans between."""
    by_id = {span.span_id: span for span in spans}
    found = set()
    for span in spans:
        above = by_id.get(span.parent_id or "")
        while above is not None and above.kind == 3:  # a client span belongs to its caller
            above = by_id.get(above.parent_id or "")
        if above is not None:
            found.add((above.service, above.name, span.service, span.name))
    return found


async def traced(platform: Platform, trace_id: str, wanted: set[Edge]) -> set[Edge]:
    """What of the matrix is missing once spans have had time to reach their files."""
    missing = set(wanted)
    try:
        async with asyncio.timeout(45):
            while missing:
                await asyncio.sleep(0.2)
                missing = wanted - edges(find_story(trace_id, platform.traces).spans)
    except TimeoutError:
        pass
    return missing


async def test_one_trace_runs_from_the_request_through_every_service_to_the_post(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        body = {"source": {"text": "Bread rises because yeast breathes. It needs time."}, "platforms": ["blog"]}
        started = await writer.request("POST", "/api/v1/workflows", body)
        await writer.until(started.body["id"], "awaiting_review")
        assert not await traced(platform, started.headers["x-trace-id"], STARTING)
        accept = {"platform": "blog", "action": "accept", "publish": {}}
        reviewed = await writer.review(started.body["id"], accept)
        await writer.until(started.body["id"], "completed")
        assert not await traced(platform, reviewed.headers["x-trace-id"], REVIEWING)
        # The whole story, by the workflow's own id.
        assert {started.headers["x-trace-id"], reviewed.headers["x-trace-id"]} <= {
            span.trace_id for span in find_story(started.body["id"], platform.traces).spans
        }


async def test_every_service_shows_its_figures(platform: Platform) -> None:
    async with aiohttp.ClientSession() as session:
        for name, url in platform.stack.urls.items():
            async with session.get(f"{url}/metrics") as answer:
                assert answer.status == 200
                text = await answer.text()
            wanted = ["presswork_http_request_duration_seconds"]
            if name != "gateway":
                wanted += [
                    "presswork_events_appended_total",
                    "presswork_events_published_total",
                    "presswork_consumer_lag_events",
                    "presswork_outbox_age_seconds",
                    "presswork_parked_keys",
                ]
            for figure in wanted:
                assert figure in text, (name, figure)
