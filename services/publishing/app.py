"""The publishing service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts import registry
from services.publishing import api, erasing, projections, reactions, site, worker
from services.publishing.accounts import Accounts
from services.publishing.beginning import Beginnings
from services.publishing.connectors import build
from services.publishing.connectors.bluesky import BlueskyConnector
from services.publishing.connectors.ghost import GhostConnector
from services.publishing.connectors.ghost_site import Ghost
from services.publishing.domain import caption, connections, imported_post, job, post, slots, webhook
from services.publishing.engagement import reading
from services.publishing.engagement.resting import Resting
from services.publishing.exporting import api as export_api
from services.publishing.fediverse import api as fediverse_api
from services.publishing.fediverse import projections as fediverse_projections
from services.publishing.fediverse import reactions as fediverse_reactions
from services.publishing.fediverse.client import Fediverse
from services.publishing.oauth import api as oauth_api
from services.publishing.oauth import renewal
from services.publishing.oauth.client import App, OAuth, Provider
from services.publishing.reddit import api as reddit_api
from services.publishing.reddit import projections as reddit_projections
from services.publishing.reddit import reactions as reddit_reactions
from services.publishing.schedule import api as schedule_api
from services.publishing.schedule import projections as schedule_projections
from services.publishing.schedule import reactions as schedule_reactions
from services.publishing.schedule import sweep
from services.publishing.settings import PublishingSettings
from services.publishing.tools import Tools
from services.publishing.webhooks import api as webhooks_api
from services.publishing.webhooks import delivering, hearing
from services.publishing.webhooks import projections as webhooks_projections
from services.publishing.webhooks.retention import RULES as WEBHOOK_RULES
from services.publishing.webhooks.sending import Sender
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
    beginnings = Beginnings(kit, settings.limits())
    ghost = _ghost(settings)
    oauth = _oauth(settings)
    webhooks = Sender(settings.webhook_timeout, settings.webhook_at_once, allow_private=settings.webhook_allow_private)
    await sweep.begin(kit)
    try:
        yield Tools(settings, connectors, accounts, oauth, beginnings, fediverse, ghost, webhooks, Resting())
    finally:
        if ghost is not None:
            await ghost.close()
        await oauth.close()
        await accounts.close()
        for connector in connectors.values():
            await connector.close()


def _oauth(settings: PublishingSettings) -> OAuth:
    urls, linkedin = settings.base_urls(), settings.linkedin_oauth_url.rstrip("/")
    providers = {
        "x": Provider(
            authorize_url=settings.x_authorize_url,
            token_url=f"{urls['x']}/2/oauth2/token",
            scopes=("tweet.read", "tweet.write", "users.read", "media.write", "offline.access"),
            pkce=True,
            app=_app(settings.x_client_id, settings.x_client_secret),
            basic=True,
        ),
        "linkedin": Provider(
            authorize_url=f"{linkedin}/authorization",
            token_url=f"{linkedin}/accessToken",
            scopes=("openid", "profile", "w_member_social"),
            pkce=False,
            app=_app(settings.linkedin_client_id, settings.linkedin_client_secret),
        ),
    }
    return OAuth(providers, settings.oauth_redirect_url, min(settings.platform_timeout, 20.0))


def _app(client_id: str | None, client_secret: str | None) -> App | None:
    return App(client_id, client_secret) if client_id else None


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
    deciders=[
        job.decider,
        connections.decider,
        imported_post.decider,
        caption.decider,
        post.decider,
        slots.decider,
        webhook.decider,
    ],
    projections=[
        projections,
        fediverse_projections,
        reddit_projections,
        schedule_projections,
        webhooks_projections,
    ],
    reactions=[
        reactions,
        worker,
        reading,
        renewal,
        fediverse_reactions,
        reddit_reactions,
        schedule_reactions,
        sweep,
        erasing,
        hearing,
        delivering,
    ],
    routers=[
        oauth_api.router,
        api.router,
        fediverse_api.router,
        reddit_api.router,
        schedule_api.router,
        webhooks_api.router,
        export_api.router,
        site.router,
    ],
    retention=[*WEBHOOK_RULES, *EVERYWHERE],
    tools=tools,
    secrets={
        "platform_connections": frozenset({"access_token", "refresh_token", "client_key", "client_secret"}),
        "webhooks": frozenset({"secret", "previous_secret"}),
    },
)
