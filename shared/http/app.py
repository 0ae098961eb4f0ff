"""The application every service is: its routers, inside the same middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from shared.http.body_limit import BodyLimit
from shared.http.deadline import DeadlineMiddleware
from shared.http.errors import Problems, answer_with_problem
from shared.http.health import Check, health_router
from shared.http.openapi import Application
from shared.http.storable import refuse_unstorable
from shared.telemetry.asgi import TelemetryMiddleware
from shared.telemetry.metrics import Metrics

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

MAX_BODY_BYTES = 1_048_576
DEADLINE_SECONDS = 30.0


def create_app(
    *,
    title: str,
    service: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    checks: Mapping[str, Check] | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_limits: Mapping[str, int] | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
    deadlines: Mapping[str, float] | None = None,
    metrics: Metrics | None = None,
    public: bool = False,
    inner: Sequence[Middleware] = (),
    **options: Any,
) -> FastAPI:
    """A FastAPI application with `/livez`, `/readyz`, `/metrics` and `/openapi.json`.

    `checks` say what `/readyz` waits for. `body_limits` (bytes) and `deadlines` (seconds) differ by path prefix.
    `public` is for a door open to strangers: their traces are linked, not continued. `inner` middleware sees a request
    last, when all limits have been applied. `options` go to FastAPI.
    """
    metrics = metrics or Metrics(service)
    app = Application(
        title=title,
        version="1",
        lifespan=lifespan or _nothing,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Our own middleware opens the server span; a second one would cost a request 72 to 150 µs.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        dependencies=[Depends(refuse_unstorable)],
        middleware=[
            Middleware(TelemetryMiddleware, service=service, metrics=metrics, public=public),
            Middleware(Problems),
            Middleware(BodyLimit, max_bytes=max_body_bytes, per_prefix=dict(body_limits or {})),
            Middleware(DeadlineMiddleware, seconds=deadline_seconds, per_prefix=dict(deadlines or {})),
            *inner,
        ],
        exception_handlers={
            HTTPException: answer_with_problem,
            RequestValidationError: answer_with_problem,
        },
        **options,
    )
    app.state.service = service
    app.add_route("/metrics", _scrape(metrics), include_in_schema=False)
    for router in (health_router(checks or {}), *routers):
        app.include_router(router)
    return app


def _scrape(metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    async def scrape(request: Request) -> Response:
        body, media_type = await metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type})

    return scrape


@asynccontextmanager
async def _nothing(app: FastAPI) -> AsyncIterator[None]:
    yield
