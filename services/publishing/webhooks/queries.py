"""The SQL behind webhooks. Row-level security adds whose rows they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.publishing.webhooks.sending import Attempt
from shared.database import Database, PoolConnection
from shared.http.pagination import PageRequest

_KEPT = 50  # attempts of a delivery that its log shows

# Never the secret.
_COLUMNS = """id, url, events, description, is_active, disabled_reason, disabled_detail, previous_until,
       created_at, updated_at"""
_WEBHOOK = f"SELECT {_COLUMNS} FROM webhooks WHERE id = $1 AND user_id = $2"
_WEBHOOKS = f"""
SELECT {_COLUMNS} FROM webhooks
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_SECRET = "SELECT secret FROM webhooks WHERE id = $1 AND user_id = $2"

_DELIVERY_COLUMNS = """id, webhook_id, event_id, type, status, attempt, attempts, next_attempt_at, delivered_at,
       created_at"""
_DELIVERY = f"SELECT {_DELIVERY_COLUMNS}, body FROM webhook_deliveries WHERE id = $1 AND webhook_id = $2"
_DELIVERIES = f"""
SELECT {_DELIVERY_COLUMNS} FROM webhook_deliveries
WHERE webhook_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
  AND ($5::text IS NULL OR status = $5) AND ($6::text IS NULL OR type = $6)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# What a worker needs in order to send one.
_TO_SEND = """
SELECT delivery.*, webhook.url, webhook.secret, webhook.is_active,
       CASE WHEN webhook.previous_until > now() THEN webhook.previous_secret END AS previous_secret,
       EXISTS (SELECT FROM webhook_deliveries AS earlier
               WHERE earlier.webhook_id = delivery.webhook_id AND earlier.story = delivery.story
                 AND earlier.place < delivery.place AND earlier.status = 'pending' AND earlier.attempt < $2) AS waits
FROM webhook_deliveries AS delivery JOIN webhooks AS webhook ON webhook.id = delivery.webhook_id
WHERE delivery.id = $1 AND delivery.status = 'pending'
"""
# Of a webhook that was removed in the very moment in which it was told of something.
_DROP_ORPHAN = """
DELETE FROM webhook_deliveries WHERE id = $1 AND NOT EXISTS (SELECT FROM webhooks WHERE webhooks.id = webhook_id)
"""
_NOTE = """
UPDATE webhook_deliveries
SET status = $2, attempt = attempt + $3, next_attempt_at = $4,
    delivered_at = CASE WHEN $2 = 'delivered' THEN now() END,
    attempts = (SELECT coalesce(jsonb_agg(entry ORDER BY number), '[]')
                FROM jsonb_array_elements(attempts || $5::text::jsonb) WITH ORDINALITY AS each (entry, number)
                WHERE number > jsonb_array_length(attempts) + 1 - $6)
WHERE id = $1
"""
# The next of the story need not wait for its next look.
_GO_ON = """
UPDATE tasks SET due_at = now()
WHERE lease_token IS NULL AND kind = 'webhook' AND id = (
    SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND story = $2 AND status = 'pending'
    ORDER BY place LIMIT 1)
"""
# Nothing has got through since the first attempt of this turn.
_SILENT_SINCE = """
SELECT NOT EXISTS (SELECT FROM webhook_deliveries
                   WHERE webhook_id = $1 AND delivered_at > (SELECT (attempts->(-$3::int)->>'at')::timestamptz
                                                             FROM webhook_deliveries WHERE id = $2))
"""
_AGAIN = """
WITH again AS (
    UPDATE webhook_deliveries SET status = 'pending', attempt = 0, next_attempt_at = NULL, delivered_at = NULL
    WHERE id = ANY (ARRAY(
        SELECT id FROM webhook_deliveries
        WHERE webhook_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::timestamptz IS NULL OR created_at >= $3)
          AND status = ANY ($4::text[])
        ORDER BY place LIMIT $5 FOR UPDATE SKIP LOCKED))
    RETURNING id, story, user_id
), put AS (
    INSERT INTO tasks (id, kind, payload, due_at, correlation_id, actor)
    SELECT id, 'webhook', jsonb_build_object('delivery_id', id), now(), story, user_id FROM again
    ON CONFLICT (id) DO UPDATE SET due_at = now()
)
SELECT count(*) FROM again
"""
_TEST = """
WITH added AS (
    INSERT INTO webhook_deliveries (id, webhook_id, user_id, event_id, type, story, body)
    VALUES ($1, $2, $3, $1, $4, $1, $5) RETURNING id
)
INSERT INTO tasks (id, kind, payload, due_at, correlation_id, actor)
SELECT id, 'webhook', jsonb_build_object('delivery_id', id), now(), $1, $3 FROM added
"""


async def webhook(connection: PoolConnection, webhook_id: UUID, user_id: UUID) -> Any:
    """The webhook's row without its secret, or None when it is not the user's."""
    return await connection.fetchrow(_WEBHOOK, webhook_id, user_id)


async def webhooks(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's webhooks, newest first, and one more."""
    found: list[Any] = await connection.fetch(_WEBHOOKS, user_id, *_after(page), page.limit + 1)
    return found


async def secret(connection: PoolConnection, webhook_id: UUID, user_id: UUID) -> str | None:
    """The webhook's encrypted secret."""
    found: str | None = await connection.fetchval(_SECRET, webhook_id, user_id)
    return found


async def delivery(connection: PoolConnection, delivery_id: UUID, webhook_id: UUID) -> Any:
    """A delivery's row with its body, or None when the reader may not see it."""
    return await connection.fetchrow(_DELIVERY, delivery_id, webhook_id)


async def deliveries(
    connection: PoolConnection, webhook_id: UUID, page: PageRequest, status: str | None, event_type: str | None
) -> list[Any]:
    """A page of a webhook's deliveries, newest first, and one more."""
    found: list[Any] = await connection.fetch(
        _DELIVERIES, webhook_id, *_after(page), page.limit + 1, status, event_type
    )
    return found


async def to_send(database: Database, delivery_id: UUID, patience: int) -> Any:
    """A pending delivery and where it goes; `waits` while an earlier one of its story has had fewer attempts than
    `patience`. None when there is nothing to do."""
    return await database.pool.fetchrow(_TO_SEND, delivery_id, patience)


async def drop_orphan(database: Database, delivery_id: UUID) -> None:
    """Forget a delivery whose webhook is gone."""
    await database.pool.execute(_DROP_ORPHAN, delivery_id)


async def note(
    database: Database, delivery_id: UUID, status: str, at: datetime, attempt: Attempt, next_at: datetime | None
) -> None:
    """Write down how an attempt went; one that could not even be made does not count (`duration_ms` below zero)."""
    entry = {
        "at": at,
        "status": attempt.status,
        "error": attempt.error,
        "duration_ms": max(0, attempt.duration_ms),
    }
    counts = 0 if attempt.duration_ms < 0 else 1
    await database.pool.execute(
        _NOTE, delivery_id, status, counts, next_at, orjson.dumps([entry]).decode(), _KEPT
    )  # fmt: skip


async def go_on(database: Database, webhook_id: UUID, story: UUID) -> None:
    """Let the next delivery of the story have its turn now."""
    await database.pool.execute(_GO_ON, webhook_id, story)


async def silent_since(database: Database, webhook_id: UUID, delivery_id: UUID, attempts: int) -> bool:
    """Whether nothing has got through to a webhook during the last `attempts` attempts of a delivery."""
    return bool(await database.pool.fetchval(_SILENT_SINCE, webhook_id, delivery_id, attempts))


async def again(
    database: Database,
    webhook_id: UUID,
    statuses: list[str],
    *,
    delivery_id: UUID | None = None,
    since: datetime | None = None,
    most: int = 1,
) -> int:
    """Put deliveries on the list anew, oldest first; how many."""
    return int(await database.pool.fetchval(_AGAIN, webhook_id, delivery_id, since, statuses, most))


async def put_test(
    database: Database, delivery_id: UUID, webhook_id: UUID, user_id: UUID, kind: str, body: str
) -> None:
    """One delivery that tells of nothing."""
    await database.pool.execute(_TEST, delivery_id, webhook_id, user_id, kind, body)


def _after(page: PageRequest) -> tuple[Any, Any]:
    return (page.after.created_at, page.after.id) if page.after else (None, None)
