"""The gateway, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.gateway import archive, composition, history, pages, routing
from services.gateway.clients import ClientAddresses
from services.gateway.door import Door
from services.gateway.limits import Limits
from services.gateway.openapi import OpenApi
from services.gateway.proxy import Proxy
from services.gateway.settings import GatewaySettings
from shared.http.app import create_app
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline
from shared.http.verification import verifier as verifier_of

_READY_SECONDS = 2.0


def build(settings: GatewaySettings) -> FastAPI:
    """The gateway's application. Raises ValueError for settings that cannot be read."""
    client = ServiceClient(settings.urls(), settings.internal_token)
    verifier = verifier_of(client)
    uploads = [route.prefix for route in routing.ROUTES if route.uploads]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = create_app(
        title="Presswork gateway",
        service="gateway",
        routers=(composition.router, history.router, archive.router, pages.router),
        lifespan=lifespan,
        checks={service: _answers(client, service) for service in client.services},
        max_body_bytes=settings.body_bytes,
        body_limits=dict.fromkeys(uploads, settings.upload_bytes),
        deadline_seconds=settings.deadline_seconds,
        deadlines=dict.fromkeys(uploads, settings.upload_seconds),
        public=True,
        inner=[
            Middleware(
                Door,
                verifier=verifier,
                limits=Limits.of(settings),
                proxy=Proxy(client, settings.heartbeat_seconds),
                addresses=ClientAddresses(settings.trusted_proxies),
            )
        ],
        openapi_url=None,
    )
    pages.serve_assets(app)
    app.state.client = client
    app.state.verifier = verifier
    app.state.openapi = OpenApi(client, app.openapi(), settings.openapi_seconds)
    return app


def _answers(client: ServiceClient, service: str) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        answer = await client.request(service, "GET", "/livez", deadline=Deadline.after(_READY_SECONDS))
        if answer.status != 200:
            raise Upstream(service)

    return check
