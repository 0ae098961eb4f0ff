"""Webhooks of one user: addresses that are told what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.webhooks import (
    WebhookAdded,
    WebhookChanged,
    WebhookDisabled,
    WebhookEnabled,
    WebhookRemoved,
    WebhookSecretRotated,
)
from shared.decider import Conflict, Decider, NotFound
from shared.ids import derive

MOST = 20  # webhooks a user may have
NO_WEBHOOK = "There is no such webhook; list your webhooks to see which there are."


@dataclass(frozen=True, slots=True)
class AddWebhook:
    webhook_id: UUID
    user_id: UUID
    url: str
    events: tuple[str, ...]
    description: str
    secret: str  # encrypted


@dataclass(frozen=True, slots=True)
class ChangeWebhook:
    """None: as it is."""

    webhook_id: UUID
    user_id: UUID
    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class RotateSecret:
    webhook_id: UUID
    user_id: UUID
    secret: str  # encrypted
    previous_until: datetime


@dataclass(frozen=True, slots=True)
class DisableWebhook:
    """Nobody answers there as they should."""

    webhook_id: UUID
    user_id: UUID
    reason: Literal["failing", "gone"]
    detail: str


@dataclass(frozen=True, slots=True)
class RemoveWebhook:
    webhook_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Webhook:
    url: str | None  # None: forgotten with the account
    events: tuple[str, ...]
    description: str
    secret: str | None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Webhooks:
    """All of one user's."""

    present: Mapping[UUID, Webhook] = field(default_factory=dict)
    removed: frozenset[UUID] = frozenset()


def decide(command: Any, webhooks: Webhooks) -> Sequence[Event]:
    match command:
        case AddWebhook():
            return _add(command, webhooks)
        case ChangeWebhook():
            return _change(command, _of(command, webhooks))
        case RotateSecret():
            return _rotate(command, _of(command, webhooks))
        case DisableWebhook():
            return _disable(command, webhooks)
        case RemoveWebhook():
            return _remove(command, webhooks)
        case _:
            return []


def _of(command: ChangeWebhook | RotateSecret, webhooks: Webhooks) -> Webhook:
    found = webhooks.present.get(command.webhook_id)
    if found is None:
        raise NotFound(NO_WEBHOOK)
    return found


def _add(command: AddWebhook, webhooks: Webhooks) -> list[Event]:
    if command.webhook_id in webhooks.present or command.webhook_id in webhooks.removed:
        return []
    if len(webhooks.present) >= MOST:
        raise Conflict(f"You have {MOST} webhooks, which is the most; remove one you no longer use.")
    return [
        WebhookAdded(
            webhook_id=command.webhook_id,
            user_id=command.user_id,
            url=command.url,
            events=command.events,
            description=command.description,
            secret=command.secret,
        )
    ]


def _change(command: ChangeWebhook, webhook: Webhook) -> list[Event]:
    found: list[Event] = []
    whose = {"webhook_id": command.webhook_id, "user_id": command.user_id}
    wanted = replace(
        webhook,
        url=webhook.url if command.url is None else command.url,
        events=webhook.events if command.events is None else command.events,
        description=webhook.description if command.description is None else command.description,
    )
    if wanted != webhook:
        found.append(
            WebhookChanged(**whose, url=wanted.url, events=wanted.events, description=wanted.description)
        )  # fmt: skip
    if command.is_active is not None and command.is_active != webhook.is_active:
        found.append(WebhookEnabled(**whose) if command.is_active else WebhookDisabled(**whose, reason="owner"))
    return found


def _rotate(command: RotateSecret, webhook: Webhook) -> list[Event]:
    return [
        WebhookSecretRotated(
            webhook_id=command.webhook_id,
            user_id=command.user_id,
            previous_until=command.previous_until,
            secret=command.secret,
            previous_secret=webhook.secret,
        )
    ]


def _disable(command: DisableWebhook, webhooks: Webhooks) -> list[Event]:
    """Several deliveries may say so at once; one of them is heard."""
    webhook = webhooks.present.get(command.webhook_id)
    if webhook is None or not webhook.is_active:
        return []
    return [
        WebhookDisabled(
            webhook_id=command.webhook_id, user_id=command.user_id, reason=command.reason, detail=command.detail
        )
    ]


def _remove(command: RemoveWebhook, webhooks: Webhooks) -> list[Event]:
    if command.webhook_id in webhooks.removed:
        return []
    if command.webhook_id not in webhooks.present:
        raise NotFound(NO_WEBHOOK)
    return [WebhookRemoved(webhook_id=command.webhook_id, user_id=command.user_id)]


def evolve(webhooks: Webhooks, event: Event) -> Webhooks:
    present = dict(webhooks.present)
    match event:
        case WebhookAdded():
            present[event.webhook_id] = Webhook(event.url, event.events, event.description, event.secret)
        case WebhookChanged():
            _alter(present, event.webhook_id, url=event.url, events=event.events, description=event.description)
        case WebhookSecretRotated():
            _alter(present, event.webhook_id, secret=event.secret)
        case WebhookDisabled():
            _alter(present, event.webhook_id, is_active=False)
        case WebhookEnabled():
            _alter(present, event.webhook_id, is_active=True)
        case WebhookRemoved():
            present.pop(event.webhook_id, None)
            return Webhooks(present, webhooks.removed | {event.webhook_id})
        case _:
            return webhooks
    return Webhooks(present, webhooks.removed)


def _alter(present: dict[UUID, Webhook], webhook_id: UUID, **fields: Any) -> None:
    if webhook_id in present:
        present[webhook_id] = replace(present[webhook_id], **fields)


decider: Decider[Webhooks] = Decider(
    stream="webhook",
    initial=Webhooks(),
    decide=decide,
    evolve=evolve,
    commands=(AddWebhook, ChangeWebhook, RotateSecret, DisableWebhook, RemoveWebhook),
    # One stream a user, where their number is decided.
    stream_id=lambda command: derive("webhooks", command.user_id),
)
