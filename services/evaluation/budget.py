"""The day's tokens, which generation counts for everybody."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from shared.http.client import ServiceClient
from shared.http.deadline import Deadline
from shared.http.problem import Problem

logger = logging.getLogger(__name__)

_SECONDS: Final = 3.0
# Nobody knows what is left, so nothing is spent.
_UNKNOWN: Final = "What is left of the day's tokens could not be asked. Later drafts are judged by the model again."


class AskedBudget:
    """Asks generation before each question; see shared.llm.Budget."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    @asynccontextmanager
    async def holding(self, user_id: UUID | None, tokens: int) -> AsyncIterator[str]:
        """A block in which a model may be asked, or the sentence that says why not."""
        yield await self._closed(user_id)

    async def _closed(self, user_id: UUID | None) -> str:
        try:
            answer = await self._client.request(
                "generation",
                "GET",
                "/internal/token-budget",
                params={"user_id": str(user_id)},
                deadline=Deadline.after(_SECONDS),
            )
            return str(answer.json()["closed"]) if answer.status == 200 else _UNKNOWN
        except Problem as away:
            logger.warning("the day's tokens could not be asked: %s", away.detail)
            return _UNKNOWN
