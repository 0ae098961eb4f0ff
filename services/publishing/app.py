"""The publishing service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from contracts import registry
from services.publishing import api, erasing, projections, reactions, site, worker
from services.publishing.accounts import Accounts
from services.publishing.beginning import Beginnings
from services.publishing.connectors import build
from services.publishing.connectors.bluesky import BlueskyConnector
from services.publishing.connectors.ghost import GhostConnector
from services.publishing.connectors.ghost_site import Ghost
from services.publishing.domain import caption, connections, imported_post, job, post
from services.publishing.fediverse import api as fediverse_api
from services.publishing.fediverse import projections as fediverse_projections
from services.publishing.fediverse import reactions as fediverse_reactions
from services.publishing.fediverse.client import Fediverse
from services.publishing.reddit import api as reddit_api
from services.publishing.reddit import projections as reddit_projections
from services.publishing.reddit import reactions as reddit_reactions
from services.publishing.settings import PublishingSettings
from services.publishing.tools import Tools
from shared.kit import Kit, Service
from shared.platforms import configured
from shared.retention.everywhere import EVERYWHERE


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """Connectors, accounts and sites, open until the service stops. Raises ValueError for settings that name none."""
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
        allow_private=settings.fediverse_allow_private,
    )
    fediverse = Fediverse(settings.platform_timeout, allow_private=settings.fediverse_allow_private)
    timeout, private = min(settings.platform_timeout, 20.0), settings.fediverse_allow_private
    # Connectors of their own: accounts are asked for with `instant` ones, too.
    bluesky = BlueskyConnector(timeout, allow_private=private)
    sites = GhostConnector(timeout, allow_private=private)
    accounts = Accounts(settings.x_url, settings.linkedin_url, timeout, fediverse, bluesky, sites)
    beginnings = Beginnings(kit, timedelta(seconds=settings.publish_timeout))
    ghost = _ghost(settings)
    try:
        yield Tools(settings, connectors, accounts, beginnings, fediverse, ghost)
    finally:
        if ghost is not None:
            await ghost.close()
        await accounts.close()
        for connector in connectors.values():
            await connector.close()


def _ghost(settings: PublishingSettings) -> Ghost | None:
    if not settings.ghost_url and not settings.ghost_admin_key:
        return None
    if not settings.ghost_url or not settings.ghost_admin_key:
        raise ValueError("Give both the address and the admin key of the Ghost site, or neither.")
    return Ghost(settings.ghost_url, settings.ghost_admin_key, settings.platform_timeout)


service = Service(
    name="publishing",
    settings=PublishingSettings,
    registry=registry,
    deciders=[job.decider, connections.decider, imported_post.decider, caption.decider, post.decider],
    projections=[projections, fediverse_projections, reddit_projections],
    reactions=[reactions, worker, fediverse_reactions, reddit_reactions, erasing],
    routers=[api.router, fediverse_api.router, reddit_api.router, site.router],
    retention=EVERYWHERE,
    tools=tools,
)
