"""The style a user's texts are held to, from what was measured of their samples."""

from __future__ import annotations

from uuid import UUID

from pydantic import TypeAdapter

from services.generation.engines.language import detect
from services.generation.engines.port import Source
from services.generation.queries import style as queries
from shared.database import PoolConnection
from shared.kit import Kit
from shared.style import Sample, Style, profile

_STYLE = TypeAdapter(Style)


async def samples_of(connection: PoolConnection, user_id: UUID) -> list[Sample]:
    """What was measured of a user's samples, the newest first."""
    rows = await queries.samples(connection, user_id)
    return [Sample(row["platform"], _STYLE.validate_python(row["style"])) for row in rows]


async def style_of(kit: Kit, user_id: UUID, platform: str, source: Source) -> Style | None:
    """The style that a text for `platform` about `source` is to have; None for a user without samples."""
    async with kit.database.reading(None) as connection:
        samples = await samples_of(connection, user_id)
    return profile(samples, platform, source.language or detect(source.text)) if samples else None
