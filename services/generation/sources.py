"""The content that workflows are about, as the engines read it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.generation.engines.article import READ_AT_MOST
from services.generation.engines.port import Source
from services.generation.queries import drafts as queries
from shared.database import Database
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline, DeadlineExceeded
from shared.projection import RowChange, inserted
from shared.reactions import GiveUp, RetryLater

_FETCH_SECONDS = 10.0
_NO_FILE = "The file of this workflow is gone: upload it again."


class Sources:
    """Reads each source once for all its platforms, from its row or from media, and keeps the last `remembered`."""

    def __init__(self, database: Database, client: ServiceClient, *, remembered: int = 64) -> None:
        self._database = database
        self._client = client
        self._remembered = remembered
        self._reading: OrderedDict[UUID, asyncio.Task[Source]] = OrderedDict()

    async def of(self, workflow_id: UUID, beside: Sequence[RowChange] = ()) -> Source:
        """The source of a workflow, cut where engines stop reading; its row may be among those that are written just
        now (`beside`). It came in an event, so it is what it is even if they are not.

        Raises RetryLater when it cannot be had now, GiveUp when it never will be.
        """
        reading = self._reading.get(workflow_id)
        if reading is None or _failed(reading):
            reading = self._reading[workflow_id] = asyncio.create_task(
                self._read(workflow_id, inserted(beside, "sources", workflow_id=workflow_id))
            )
        self._reading.move_to_end(workflow_id)
        while len(self._reading) > self._remembered:
            self._reading.popitem(last=False)
        # Others may wait for the same text: one that is cancelled takes it from nobody.
        return await asyncio.shield(reading)

    async def _read(self, workflow_id: UUID, row: Mapping[str, Any] | None) -> Source:
        if row is None:
            async with self._database.reading(None) as connection:
                row = await queries.source(connection, workflow_id)
        if row is None:
            raise RetryLater(1.0, "The workflow's source has not arrived yet.")
        if row["text"] is not None:
            return Source(row["title"], row["text"][:READ_AT_MOST], _known(row["language"]), row["url"])
        file = await self._fetch(row["file_id"], row["user_id"])
        # Neither events nor rows can hold U+0000.
        text = file["text"][:READ_AT_MOST].replace("\x00", "")
        return Source(
            row["title"] or file["title"] or "", text, _known(row["language"] or file["language"]), row["url"]
        )

    async def _fetch(self, file_id: UUID, user_id: UUID) -> Mapping[str, Any]:
        try:
            answer = await self._client.request(
                "media",
                "GET",
                f"/internal/files/{file_id}/text",
                params={"user_id": str(user_id)},
                deadline=Deadline.after(_FETCH_SECONDS),
            )
        except (Upstream, DeadlineExceeded) as error:
            # A draft outlives an outage, however long.
            raise RetryLater(2.0, error.detail, counts=False) from error
        body: Mapping[str, Any] = answer.json() if answer.status in (200, 409) else {}
        match answer.status:
            case 200:
                return body
            case 404:
                raise GiveUp(_NO_FILE)
            case 409 if body.get("current") == "failed":
                raise GiveUp(body["detail"])
        reason = f"The text of the file could not be read: media answered {answer.status}."
        raise RetryLater(2.0, reason, counts=answer.status < 500)


def _known(language: str | None) -> str:
    """The code of a language, empty for one that could not be told, so that the engine looks for itself."""
    return "" if language in (None, "und") else language


def _failed(reading: asyncio.Task[Source]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)
