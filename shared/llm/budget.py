"""What may be spent on models: asked before each question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from uuid import UUID


class Budget(Protocol):
    """Whoever knows what is left of the day's tokens."""

    def holding(self, user_id: UUID | None, tokens: int) -> AbstractAsyncContextManager[str]:
        """A block in which about so many tokens are being spent for a user. It gets the sentence that says why no model
        may be asked, empty when one may."""
        ...


class Unlimited:
    """No budget at all."""

    @asynccontextmanager
    async def holding(self, user_id: UUID | None, tokens: int) -> AsyncIterator[str]:
        """Always open."""
        yield ""
