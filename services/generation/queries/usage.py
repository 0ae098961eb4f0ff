"""The SQL behind the reads of token usage."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection

_BY_DAY = """
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, service, model, count(*) AS calls,
       coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
       sum(cost_usd) AS cost_usd, count(*) FILTER (WHERE cost_usd IS NULL) AS unpriced
FROM token_usage
WHERE user_id = $1 AND created_at >= $2::date::timestamp AT TIME ZONE 'UTC'
  AND created_at < ($3::date + 1)::timestamp AT TIME ZONE 'UTC' AND ($4::text IS NULL OR model = $4)
GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3
"""

_SINCE = """
SELECT coalesce(sum(input_tokens + output_tokens), 0)::bigint AS in_all,
       coalesce(sum(input_tokens + output_tokens) FILTER (WHERE user_id = $2), 0)::bigint AS of_user
FROM token_usage WHERE created_at >= $1
"""


async def by_day(connection: PoolConnection, user_id: UUID, first: date, last: date, model: str | None) -> list[Any]:
    """What a user's work took from one day (UTC) to another, both included, by day, service and model."""
    found: list[Any] = await connection.fetch(_BY_DAY, user_id, first, last, model)
    return found


async def since(connection: PoolConnection, moment: datetime, user_id: UUID | None) -> tuple[int, int]:
    """Tokens that models took since then, in all and for a user."""
    row = await connection.fetchrow(_SINCE, moment, user_id)
    return row["in_all"], row["of_user"]
