"""Who is told of what: addresses of users that get their events by HTTP. Publishing keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Private


class WebhookEvent(Event):
    owner: ClassVar[str] = "publishing"
    stream: ClassVar[str] = "webhook"
    webhook_id: UUID
    user_id: UUID


class WebhookAdded(WebhookEvent):
    """A user's address is told of these events from now on. Address and secret stay with publishing, encrypted."""

    events: tuple[str, ...]
    description: str = ""
    url: Private[str] = None
    secret: Private[str] = None


class WebhookChanged(WebhookEvent):
    """What it is from now on, all of it, whatever was changed."""

    events: tuple[str, ...]
    description: str = ""
    url: Private[str] = None


class WebhookSecretRotated(WebhookEvent):
    """Deliveries are signed with another secret, and with the one before as well for a while."""

    previous_until: datetime
    secret: Private[str] = None
    previous_secret: Private[str] = None


class WebhookDisabled(WebhookEvent):
    """Nothing is delivered until it is enabled again: its owner said so, it kept failing, or it answered 410."""

    reason: Literal["owner", "failing", "gone"]
    detail: str = ""


class WebhookEnabled(WebhookEvent):
    """It is told again of what happens from now on."""


class WebhookRemoved(WebhookEvent):
    """The address is told of nothing any more, and what was delivered is forgotten."""
