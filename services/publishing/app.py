"""The publishing service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from contracts import registry
from services.publishing import api, projections, reactions, site, worker
from services.publishing.accounts import Accounts
from services.publishing.beginning import Beginnings
from services.publishing.connectors import build
from services.publishing.domain import connections, job
from services.publishing.settings import PublishingSettings
from services.publishing.tools import Tools
from shared.kit import Kit, Service
from shared.platforms import configured


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """Connectors and accounts, open until the service stops."""
    settings = kit.settings
    assert isinstance(settings, PublishingSettings)
    connectors = build(
        data_dir=settings.data_dir,
        blog_url=settings.blog_url,
        x_url=settings.x_url,
        linkedin_url=settings.linkedin_url,
        linkedin_version=settings.linkedin_version,
        timeout=settings.platform_timeout,
        instant=settings.connector == "instant",
        platforms=configured(settings.platform_limits),
    )
    accounts = Accounts(settings.x_url, settings.linkedin_url, min(settings.platform_timeout, 20.0))
    try:
        yield Tools(settings, connectors, accounts, Beginnings(kit, timedelta(seconds=settings.publish_timeout)))
    finally:
        await accounts.close()
        for connector in connectors.values():
            await connector.close()


service = Service(
    name="publishing",
    settings=PublishingSettings,
    registry=registry,
    deciders=[job.decider, connections.decider],
    projections=[projections],
    reactions=[reactions, worker],
    routers=[api.router, site.router],
    tools=tools,
)
