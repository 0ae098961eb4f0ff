"""Live counters: how a text stands with a platform's limits while it is being written."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.workflow.schemas import In, PlatformName, Text
from shared.counting import Count, count
from shared.http.user import CurrentUser
from shared.platforms import PLATFORMS

router = APIRouter(prefix="/api/v1/platforms", tags=["platforms"])

_AT_ONCE = 2_000  # characters that are counted in a few milliseconds


class TextIn(In):
    """A text that may become a post."""

    text: Annotated[Text, Field(max_length=50_000)]


@router.post("/{platform}/count")
async def count_text(platform: PlatformName, body: TextIn, user: CurrentUser) -> Count:
    """Its length as the platform counts, what it breaks, and the thread it would become. Nothing is kept."""
    if len(body.text) <= _AT_ONCE:
        return count(PLATFORMS[platform], body.text)
    return await asyncio.to_thread(count, PLATFORMS[platform], body.text)
