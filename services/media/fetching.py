"""Fetching what posts show, and telling images from everything else: the bytes decide, whatever a server calls them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from services.media.extraction import sniff
from services.media.keeping import sha256_of
from services.media.settings import MediaSettings
from shared.reactions import GiveUp, RetryLater
from shared.security.fetch import FetchFailed, UnsafeUrl, fetch

NO_IMAGE: Final = "This is no PNG, JPEG, GIF or WebP image; send one of these."
_WORTH_ANOTHER_TRY: Final = frozenset({None, 408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes, what they are, and their SHA-256 in hexadecimal."""

    data: bytes
    media_type: str
    sha256: str


async def examined(data: bytes) -> Found:
    """What some bytes are; a large file is hashed beside the event loop."""
    media_type, sha256 = await asyncio.to_thread(lambda: (sniff(data), sha256_of(data)))
    return Found(data, media_type, sha256)


async def fetched(url: str, settings: MediaSettings, attempts: int) -> Found:
    """What lies at an address, for a worker. Raises GiveUp, or RetryLater when it may be there later."""
    try:
        answer = await fetch(
            url,
            max_bytes=settings.max_file_bytes,
            timeout=settings.fetch_seconds,
            allow_private=settings.fetch_allow_private,
        )
    except UnsafeUrl as error:
        raise GiveUp(str(error)) from error
    except FetchFailed as error:
        if error.status not in _WORTH_ANOTHER_TRY:
            raise GiveUp(str(error)) from error
        raise RetryLater(2.0**attempts, str(error)) from error
    return await examined(answer.body)
