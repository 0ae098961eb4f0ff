"""One request, one span, one duration, one correlation id."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import StreamingResponse

from shared.telemetry import tracing
from shared.telemetry.asgi import TelemetryMiddleware
from shared.telemetry.context import correlation_id
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import current_traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Path]:
    tracing.setup_tracing("door", traces_dir=tmp_path, otlp_endpoint=None)
    yield tmp_path
    tracing.shutdown()


def spans_in(folder: Path) -> list[dict[str, Any]]:
    tracing.flush()
    file = folder / "door.jsonl"
    batches = [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []
    return [each for batch in batches for each in batch["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def platform() -> FastAPI:
    app = FastAPI()
    inner = APIRouter(prefix="/drafts/{draft_id}")
    outer = APIRouter(prefix="/api/v1")
    mounted = FastAPI()

    @inner.get("/lines/{line}")
    async def line(draft_id: str, line: int) -> dict[str, str | None]:
        return {"correlation": correlation_id(), "traceparent": current_traceparent()}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("password=hunter2hunter2")

    @app.get("/live")
    async def live(request: Request) -> StreamingResponse:
        async def beats() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            await request.app.state.hold.wait()

        return StreamingResponse(beats(), media_type="text/event-stream")

    @mounted.get("/pages/{page}")
    async def page(page: str) -> str:
        return page

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    outer.include_router(inner)
    app.include_router(outer)
    app.mount("/blog", mounted)
    return app


def client(app: Any, *, metrics: Metrics | None = None, public: bool = False) -> httpx.AsyncClient:
    wrapped = TelemetryMiddleware(app, "door", metrics=metrics, public=public)
    return httpx.AsyncClient(transport=httpx.ASGITransport(wrapped, raise_app_exceptions=False), base_url="http://door")


async def test_a_request_continues_its_callers_trace_and_says_so(traces: Path) -> None:
    async with client(platform()) as http:
        answer = await http.get(
            "/api/v1/drafts/7/lines/3?token=secret", headers={"traceparent": SAMPLED, "x-correlation-id": "story-1"}
        )
    (span,) = spans_in(traces)
    assert (span["traceId"], span["parentSpanId"], span["kind"]) == (TRACE, "b7ad6b7169203331", 2)
    assert span["name"] == "GET /api/v1/drafts/{draft_id}/lines/{line}"
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/drafts/{draft_id}/lines/{line}",
        "http.response.status_code": "200",
        "url.path": "/api/v1/drafts/7/lines/3",
        "url.scheme": "http",
        "presswork.correlation_id": "story-1",
    }
    own = f"00-{TRACE}-{span['spanId']}-01"
    assert answer.json() == {"correlation": "story-1", "traceparent": own}
    assert (answer.headers["traceparent"], answer.headers["x-trace-id"]) == (own, TRACE)
    assert answer.headers["x-correlation-id"] == "story-1"
    assert correlation_id() is None
    assert current_traceparent() is None


async def test_a_stranger_does_not_decide_about_our_traces(traces: Path) -> None:
    async with client(platform(), public=True) as http:
        answer = await http.get("/livez/other", headers={"traceparent": SAMPLED, "x-correlation-id": "a\nb c"})
    (span,) = spans_in(traces)
    assert span["traceId"] != TRACE
    assert span["links"] == [{"traceId": TRACE, "spanId": "b7ad6b7169203331"}]
    assert len(answer.headers["x-correlation-id"]) == 36


async def test_requests_are_counted_by_the_route_that_matched_and_never_by_path(traces: Path) -> None:
    metrics = Metrics("door")
    async with client(platform(), metrics=metrics) as http:
        for path in (
            "/api/v1/drafts/1/lines/1",
            "/api/v1/drafts/2/lines/2",
            "/blog/pages/9",
            "/nowhere/1",
            "/nowhere/2",
        ):
            await http.get(path)
        await http.request("BREW", "/nowhere")
        await http.get("/livez")
    counts = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for metric in metrics.http_request_duration.collect()
        for sample in metric.samples
        if sample.name.endswith("_count")
    }
    assert counts == {
        ("GET", "/api/v1/drafts/{draft_id}/lines/{line}", "200"): 2,
        ("GET", "/blog/pages/{page}", "200"): 1,
        ("GET", "unmatched", "404"): 2,
        ("_OTHER", "unmatched", "404"): 1,
    }
    assert "/livez" not in {attributes(span)["url.path"] for span in spans_in(traces)}


async def test_an_unhandled_error_is_a_failed_span_a_500_and_a_line_in_the_log(
    traces: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics("door")
    with caplog.at_level(logging.ERROR):
        async with client(platform(), metrics=metrics) as http:
            answer = await http.get("/broken")
    (span,) = spans_in(traces)
    assert answer.status_code == 500
    assert (span["status"]["code"], attributes(span)["error.type"]) == (2, "RuntimeError")
    assert "hunter2" not in str(span)
    assert ("GET /broken answered 500", "/broken") in [
        (record.getMessage(), getattr(record, "route", None)) for record in caplog.records
    ]
    assert metrics.registry.get_sample_value("presswork_http_requests_in_progress") == 0


async def test_a_live_stream_is_measured_to_its_first_byte(traces: Path) -> None:
    metrics, app = Metrics("door"), platform()
    app.state.hold = asyncio.Event()
    labels = {"method": "GET", "route": "/live", "status": "200"}
    counted = asyncio.Event()
    wrapped = TelemetryMiddleware(app, "door", metrics=metrics)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            counted.set()

    scope = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "headers": [], "scheme": "http"}
    request = asyncio.create_task(wrapped(scope, asyncio.Event().wait, send))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        await counted.wait()
    assert metrics.registry.get_sample_value("presswork_http_request_duration_seconds_count", labels) == 1
    assert metrics.registry.get_sample_value("presswork_http_requests_in_progress") == 1
    app.state.hold.set()
    async with asyncio.timeout(30):
        await request
    assert metrics.registry.get_sample_value("presswork_http_request_duration_seconds_count", labels) == 1
    assert metrics.registry.get_sample_value("presswork_http_requests_in_progress") == 0


async def test_a_caller_who_leaves_is_499_and_no_failure(traces: Path) -> None:
    metrics, entered = Metrics("door"), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        entered.set()
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/slow", "headers": [], "scheme": "http"}
    request = asyncio.create_task(TelemetryMiddleware(slow, "door", metrics=metrics)(scope, None, None))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        await entered.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
    (span,) = spans_in(traces)
    assert attributes(span)["http.response.status_code"] == "499"
    assert "status" not in span
