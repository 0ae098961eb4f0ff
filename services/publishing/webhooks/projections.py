"""Rows of webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.events.webhooks import (
    WebhookAdded,
    WebhookChanged,
    WebhookDisabled,
    WebhookEnabled,
    WebhookEvent,
    WebhookRemoved,
    WebhookSecretRotated,
)
from shared.projection import RowChange, delete, insert, projects, update

_WEBHOOKS = "webhooks"


@projects(WebhookAdded)
def add(event: WebhookAdded, at: datetime) -> RowChange:
    return insert(
        _WEBHOOKS,
        id=event.webhook_id,
        user_id=event.user_id,
        url=event.url or "",  # forgotten with the account, until the row goes too
        events=list(event.events),
        description=event.description,
        secret=event.secret or "",
        is_active=True,
        active_since=at,
        created_at=at,
        updated_at=at,
    )


@projects(WebhookChanged)
def change(event: WebhookChanged, at: datetime) -> RowChange:
    return _moved(event, at, url=event.url or "", events=list(event.events), description=event.description)


@projects(WebhookSecretRotated)
def rotate(event: WebhookSecretRotated, at: datetime) -> RowChange:
    return _moved(
        event,
        at,
        secret=event.secret or "",
        previous_secret=event.previous_secret,
        previous_until=event.previous_until,
    )


@projects(WebhookDisabled)
def disable(event: WebhookDisabled, at: datetime) -> RowChange:
    return _moved(event, at, is_active=False, disabled_reason=event.reason, disabled_detail=event.detail)


@projects(WebhookEnabled)
def enable(event: WebhookEnabled, at: datetime) -> RowChange:
    return _moved(event, at, is_active=True, active_since=at, disabled_reason=None, disabled_detail=None)


@projects(WebhookRemoved)
def remove(event: WebhookRemoved, at: datetime) -> RowChange:
    return delete(_WEBHOOKS, id=event.webhook_id)


def _moved(event: WebhookEvent, at: datetime, **columns: Any) -> RowChange:
    return update(_WEBHOOKS, {"id": event.webhook_id}, **columns, updated_at=at)
