"""The engine that answers at once, for measuring everything else."""

from __future__ import annotations

from typing import Final

from shared.platforms import measure

from .forms import form
from .port import NothingToWrite, Request, Written
from .sentences import shorten

_LENGTH: Final = 200


class InstantEngine:
    """The first 200 characters of the source, fewer where the platform holds fewer."""

    name: Final = "instant"

    async def write(self, request: Request) -> Written:
        """Raises NothingToWrite for an empty source and KeyError for an unknown platform."""
        platform = form(request)
        text = request.source.text.strip() or request.source.title.strip()
        if not text:
            raise NothingToWrite("The source holds no text: give it a text or a title.")
        content = text[:_LENGTH]
        if platform.max_length is not None and measure(platform, content) > platform.max_length:
            most = platform.max_length
            content = shorten(content, lambda kept: measure(platform, kept) <= most)
        return Written(request.source.title or content[:80], content, self.name)
