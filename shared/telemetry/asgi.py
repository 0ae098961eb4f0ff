"""One server span, one duration and one correlation id per HTTP request: a pure ASGI middleware, the outermost one."""

import logging
import re
import time
import uuid
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.security.masking import mask_text
from shared.telemetry.context import (
    CORRELATION_ATTRIBUTE,
    bind_correlation,
    context_from,
    format_traceparent,
    parse_traceparent,
    unbind_correlation,
)
from shared.telemetry.metrics import Metrics
from shared.telemetry.semconv import http_method
from shared.telemetry.tracing import fail, tracer

_log = logging.getLogger(__name__)
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_CORRELATION = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LIVE = b"text/event-stream"


class TelemetryMiddleware:
    """Opens the server span under the caller's `traceparent`, measures the request and marks its answer.

    The answer carries `traceparent`, `x-trace-id` and `x-correlation-id` (the caller's, when it is at most 64 letters,
    digits and `_.-`, else a new UUID). With `public=True`, for a door open to strangers, the caller's trace is only
    linked, so that nobody outside decides what is sampled. `/livez`, `/readyz` and `/metrics` pass untouched.
    """

    def __init__(self, app: ASGIApp, service: str, *, metrics: Metrics | None = None, public: bool = False) -> None:
        self._app, self._metrics, self._public = app, metrics or Metrics(service), public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send, self._metrics, public=self._public)
        try:
            await self._app(scope, receive, request.send)
        except BaseException as error:  # a cancelled request has a span and counts, too
            request.finish(error)
            raise
        finally:
            request.close()


class _Request:
    """What is open while one request is answered."""

    __slots__ = ("_base", "_done", "_headers", "_metrics", "_scope", "_send", "_span", "_started", "_status", "_tokens")

    def __init__(self, scope: Scope, send: Send, metrics: Metrics, *, public: bool) -> None:
        traceparent = correlation = None
        for name, value in scope["headers"]:
            if name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"x-correlation-id":
                correlation = value.decode("latin-1")
        if correlation is None or _CORRELATION.fullmatch(correlation) is None:
            correlation = str(uuid.uuid4())
        method = http_method(scope["method"])
        stranger = parse_traceparent(traceparent) if public else None
        self._span = tracer().start_span(
            method,
            context=Context() if public else context_from(traceparent),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "url.path": _masked(scope["path"]),
                "url.scheme": scope["scheme"],
                CORRELATION_ATTRIBUTE: correlation,
            },
            links=() if stranger is None else (Link(stranger),),
        )
        self._tokens = (otel_context.attach(trace.set_span_in_context(self._span)), bind_correlation(correlation))
        context = self._span.get_span_context()
        self._headers = [(b"x-correlation-id", correlation.encode())]
        if context.is_valid:
            self._headers += [
                (b"traceparent", format_traceparent(context).encode()),
                (b"x-trace-id", f"{context.trace_id:032x}".encode()),
            ]
        self._scope, self._send, self._metrics = scope, send, metrics
        self._base = scope.get("root_path", "")
        self._status = 0
        self._done = False
        metrics.http_requests_in_progress.inc()
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        live = False
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message.get("headers", ()))
            live = any(name == b"content-type" and value.startswith(_LIVE) for name, value in headers)
            message = {**message, "headers": headers + self._headers}
        await self._send(message)
        if live:
            self.finish(None)

    def finish(self, error: BaseException | None) -> None:
        """End the span and observe the duration, once."""
        if self._done:
            return
        self._done = True
        took = time.perf_counter() - self._started
        failed = isinstance(error, Exception)
        # 499: the caller left before there was an answer.
        status = self._status or (500 if failed else 499)
        method, route = http_method(self._scope["method"]), _route(self._scope, self._base)
        self._metrics.http_request_duration.labels(method, route or "unmatched", str(status)).observe(took)
        span = self._span
        if span.is_recording():
            span.set_attribute("http.response.status_code", status)
            if route is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            if isinstance(error, Exception):
                fail(span, error)
            elif status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(Status(StatusCode.ERROR))
        level = logging.ERROR if status >= 500 else logging.DEBUG
        if _log.isEnabledFor(level):
            _log.log(
                level,
                "%s %s answered %d",
                method,
                self._scope["path"],
                status,
                extra={"route": route, "status": status, "duration_ms": round(took * 1000, 1)},
            )
        span.end()

    def close(self) -> None:
        """Finish, and give back what the request had bound."""
        self.finish(None)
        self._metrics.http_requests_in_progress.dec()
        context, correlation = self._tokens
        unbind_correlation(correlation)
        otel_context.detach(context)


def _masked(path: str) -> str:
    """Without the token that some addresses end in."""
    return mask_text(path) if "/eyJ" in path else path


def _route(scope: Scope, base: str) -> str | None:
    """The template that matched (`/api/v1/workflows/{id}`), or None: paths themselves would be labels without end."""
    # FastAPI keeps the path with the prefixes of included routers here; scope["route"] has the router's own part.
    included: Any = scope.get("fastapi", {}).get("effective_route_context")
    matched = included or scope.get("route")
    path: str | None = getattr(matched, "path_format", None) or getattr(matched, "path", None)
    mount: str = scope.get("root_path", "")[len(base) :]
    if path is None:
        return f"{mount}/{{path}}" if mount else None
    return mount + path
