"""The worker that delivers: at least once, in the order of a story, again on a schedule, and not for ever."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.publishing.domain.webhook import DisableWebhook
from services.publishing.webhooks import queries
from services.publishing.webhooks.sending import Attempt
from shared.kit import Kit
from shared.reactions import Call, LeasedTask, RetryLater, gave_up, work
from shared.security.fields import FieldCipher, NoKeyFits

KIND = "webhook"
IN_ORDER = 3  # attempts of a delivery that later ones of its story wait for
GONE = 410
_LOOK_AGAIN = 2.0  # seconds until a delivery that waits for another looks by itself
_NO_ROOM = 0.5
_BROKEN = -1  # duration of an attempt that was never made

_DISABLED = "The webhook was disabled, so this was not sent; enable it and replay the delivery."
_NO_KEY = "The secret can no longer be read; rotate it, then replay the delivery."


@work(KIND, lease=60, attempts=20, concurrency=64)
async def deliver(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """One attempt. What came of it is written down before the task is struck: a crash between makes it twice."""
    delivery_id = UUID(task.payload["delivery_id"])
    row = await queries.to_send(kit.database, delivery_id, IN_ORDER)
    if row is None:
        await queries.drop_orphan(kit.database, delivery_id)
        return []
    if not row["is_active"]:
        return await _never_sent(kit, row, _DISABLED)
    if row["waits"]:
        raise RetryLater(_LOOK_AGAIN, "an earlier delivery of the same story is under way", counts=False)
    signers = _signers(row, kit.store.cipher)
    if not signers:
        return await _never_sent(kit, row, _NO_KEY)
    sender = kit.tools.webhooks
    with sender.place(row["webhook_id"]) as has_room:
        if not has_room:
            raise RetryLater(_NO_ROOM, "others to the same webhook are under way", counts=False)
        at = datetime.now(UTC)
        attempt = await sender.send(row["url"], signers, row["id"], at, row["body"])
    return await _outcome(kit, row, at, attempt)


@gave_up(KIND)
def worn_out(task: LeasedTask, reason: str) -> Sequence[Any]:
    """What ends its worker again and again is not what a schedule is for."""
    error = "The last attempts ended without an outcome; replay the delivery."
    return [Call("fail_webhook_deliveries", {"delivery_id": task.payload["delivery_id"], "error": error})]


async def _outcome(kit: Kit, row: Any, at: datetime, attempt: Attempt) -> Sequence[Any]:
    pauses: list[float] = kit.tools.settings.webhook_pauses
    number = row["attempt"] + 1
    if attempt.error is None:
        await queries.note(kit.database, row["id"], "delivered", at, attempt, None)
    elif attempt.status == GONE or number > len(pauses):
        await queries.note(kit.database, row["id"], "failed", at, attempt, None)
    else:
        # Deliveries that failed together should not come back together.
        seconds = pauses[number - 1] * random.uniform(1, 1.1)
        await queries.note(kit.database, row["id"], "pending", at, attempt, at + timedelta(seconds=seconds))
        raise RetryLater(seconds, attempt.error, counts=False)
    await _next(kit, row)
    return await _verdict(kit, row, attempt, number)


async def _verdict(kit: Kit, row: Any, attempt: Attempt, number: int) -> list[DisableWebhook]:
    """Whether the webhook is any good."""
    if attempt.error is None:
        return []
    if attempt.status == GONE:
        detail = "The receiver answered 410 (gone), which says that it wants no more."
        return [DisableWebhook(row["webhook_id"], row["user_id"], "gone", detail)]
    if not await queries.silent_since(kit.database, row["webhook_id"], row["id"], number):
        return []
    detail = f"A delivery failed {number} times and none got through meanwhile. The last time: {attempt.error}"
    return [DisableWebhook(row["webhook_id"], row["user_id"], "failing", detail)]


async def _never_sent(kit: Kit, row: Any, reason: str) -> Sequence[Any]:
    await queries.note(kit.database, row["id"], "failed", datetime.now(UTC), Attempt(None, reason, _BROKEN), None)
    await _next(kit, row)
    return []


async def _next(kit: Kit, row: Any) -> None:
    await queries.go_on(kit.database, row["webhook_id"], row["story"])
    kit.workers.wake()


def _signers(row: Any, cipher: FieldCipher) -> list[str]:
    """The secrets to sign with, the present one first; empty when no key opens it any more."""
    try:
        return [
            cipher.decrypt(sealed.encode()).decode()
            for sealed in (row["secret"], row["previous_secret"])
            if sealed is not None
        ]
    except NoKeyFits:
        return []
