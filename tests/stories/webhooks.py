"""The story of webhooks: added, changed, disabled, enabled, their secrets rotated, and some removed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from contracts.envelope import Event
from contracts.events import webhooks
from shared.ids import derive, new_id

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


class Ground(Protocol):
    """Where it happens."""

    async def play(self, event: Event, *, key: UUID) -> None: ...


async def listen_in(on: Ground, user_id: UUID, chance: random.Random) -> None:
    """One webhook that stays, and one that goes."""
    key = derive("webhooks", user_id)
    for stays in (True, False):
        who = {"webhook_id": new_id(), "user_id": user_id}
        await on.play(
            webhooks.WebhookAdded(**who, events=("draft.*",), url="https://hooks.example/in", secret="sealed"), key=key
        )
        if chance.random() < 0.5:
            await on.play(webhooks.WebhookChanged(**who, events=("*",), url="https://hooks.example/all"), key=key)
        rotated = {"secret": "resealed", "previous_secret": "sealed", "previous_until": AT}
        await on.play(webhooks.WebhookSecretRotated(**who, **rotated), key=key)
        await on.play(webhooks.WebhookDisabled(**who, reason="failing", detail="It answered 500."), key=key)
        if chance.random() < 0.5:
            await on.play(webhooks.WebhookEnabled(**who), key=key)
        if not stays:
            await on.play(webhooks.WebhookRemoved(**who), key=key)
