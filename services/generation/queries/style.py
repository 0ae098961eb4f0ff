"""The SQL behind the reads of style samples."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection

# More than anybody's style needs to be known by.
MOST_SAMPLES = 200

_SAMPLES = """
SELECT platform, style FROM style_samples WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2
"""


async def samples(connection: PoolConnection, user_id: UUID) -> list[Any]:
    """A user's newest samples, as measured."""
    found: list[Any] = await connection.fetch(_SAMPLES, user_id, MOST_SAMPLES)
    return found
