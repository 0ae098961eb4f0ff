"""Reading drafts, which generation keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline

_PATIENCE = 5.0  # seconds


class Drafts:
    """Asks generation, on behalf of whoever was let in here."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def of(self, draft_ids: Iterable[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
        """Drafts by id; those that are not known are left out. Raises Upstream (503) or DeadlineExceeded (504)."""
        wanted = ",".join(map(str, draft_ids))
        if not wanted:
            return {}
        answer = await self._client.request(
            "generation", "GET", "/internal/drafts", params={"ids": wanted}, deadline=Deadline.after(_PATIENCE)
        )
        if answer.status != 200:
            raise Upstream("generation")
        return {UUID(draft["id"]): draft for draft in answer.json()["items"]}
