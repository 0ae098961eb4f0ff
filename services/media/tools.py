"""What the routes and workers of media use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.media.settings import MediaSettings
from services.media.storage import Storage, build
from services.media.waiting import Outcomes
from shared.kit import Kit


@dataclass(frozen=True, slots=True)
class Tools:
    """The storage of bytes, who waits for texts, and the settings in force."""

    storage: Storage
    outcomes: Outcomes
    settings: MediaSettings


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """Opens the storage that the settings name. Raises ValueError when they name none."""
    settings = kit.settings
    if not isinstance(settings, MediaSettings):
        raise TypeError("The media service runs on MediaSettings.")
    storage = build(settings.storage, access_key=settings.s3_access_key, secret_key=settings.s3_secret_key)
    outcomes = Outcomes()
    kit.listeners.append(outcomes.heard)
    try:
        yield Tools(storage, outcomes, settings)
    finally:
        kit.listeners.remove(outcomes.heard)
