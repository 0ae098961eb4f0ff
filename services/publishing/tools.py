"""What publishing's workers and routes need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.publishing.accounts import Accounts
from services.publishing.beginning import Beginnings
from services.publishing.connectors import Connector
from services.publishing.connectors.ghost_site import Ghost
from services.publishing.engagement.resting import Resting
from services.publishing.fediverse.client import Fediverse
from services.publishing.oauth.client import OAuth
from services.publishing.settings import PublishingSettings
from services.publishing.webhooks.sending import Sender


@dataclass(frozen=True, slots=True)
class Tools:
    settings: PublishingSettings
    connectors: Mapping[str, Connector]
    accounts: Accounts
    oauth: OAuth
    beginnings: Beginnings
    fediverse: Fediverse
    ghost: Ghost | None  # None: not set up
    webhooks: Sender
    resting: Resting
