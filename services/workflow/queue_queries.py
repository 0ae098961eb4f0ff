"""The SQL behind the review queue. Row-level security says who sees which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

Order = Literal["longest_wait", "shortest_wait", "lowest_score", "highest_score"]
Status = Literal[
    "generating", "evaluating", "awaiting_review", "accepted", "rejected", "published", "failed", "archived"
]

# What is ordered by, as a time, which is what a cursor holds; no score comes before the lowest.
_SINCE, _SCORE = "s.updated_at", "to_timestamp(coalesce(s.score, -1) + 1)"
_ORDERS: Final = {
    "longest_wait": (_SINCE, ">", ""),
    "shortest_wait": (_SINCE, "<", " DESC"),
    "lowest_score": (_SCORE, ">", ""),
    "highest_score": (_SCORE, "<", " DESC"),
}


def _sql(status: str, order: str) -> str:
    rank, beyond, way = _ORDERS[order]
    return f"""
SELECT s.id, s.workflow_id, s.user_id, s.platform, s.status, s.active_draft_id, s.iteration, s.score, s.reason,
       s.created_at, s.updated_at, w.title, w.project_id, {rank} AS rank
FROM platform_states s LEFT JOIN workflows w ON w.id = s.workflow_id
WHERE {status} AND ($1::timestamptz IS NULL OR ({rank}, s.id) {beyond} ($1, $2))
  AND ($5::text IS NULL OR s.platform = $5)
  AND ($6::integer IS NULL OR s.score >= $6) AND ($7::integer IS NULL OR s.score <= $7)
  AND ($8::uuid IS NULL OR w.project_id = $8) AND ($9::uuid IS NULL OR s.user_id = $9)
  AND ($10::timestamptz IS NULL OR s.updated_at < $10) AND ($11::timestamptz IS NULL OR s.updated_at >= $11)
ORDER BY {rank}{way}, s.id{way} LIMIT $3
"""


# What awaits review is asked for most, and has an index of its own, which only the word itself lets PostgreSQL use.
_AWAITING: Final = {order: _sql("s.status = 'awaiting_review' AND s.status = $4", order) for order in _ORDERS}
_ANY: Final = {order: _sql("s.status = $4", order) for order in _ORDERS}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which drafts are asked for; None: any."""

    status: Status = "awaiting_review"
    platform: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    project_id: UUID | None = None
    author: UUID | None = None
    before: datetime | None = None  # it has been in its status since before then
    since: datetime | None = None


async def review_queue(connection: PoolConnection, page: PageRequest, filters: Filters, order: Order) -> list[Any]:
    """A page of the platforms' drafts that the reader may see, and one more; the cursor's time is `rank`."""
    sql = (_AWAITING if filters.status == "awaiting_review" else _ANY)[order]
    after = (page.after.created_at, page.after.id) if page.after else (None, None)
    found: list[Any] = await connection.fetch(
        sql,
        *after,
        page.limit + 1,
        filters.status,
        filters.platform,
        filters.min_score,
        filters.max_score,
        filters.project_id,
        filters.author,
        filters.before,
        filters.since,
    )
    return found
