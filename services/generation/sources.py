"""The content that workflows are about, as the engines read it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.generation.engines.article import READ_AT_MOST
from services.generation.engines.port import Source
from services.generation.file_texts import fetch, known
from services.generation.queries import drafts as queries
from shared.database import Database
from shared.http.client import ServiceClient
from shared.projection import RowChange, inserted
from shared.reactions import RetryLater

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
            return Source(row["title"], row["text"][:READ_AT_MOST], known(row["language"]), row["url"])
        file = await fetch(self._client, row["user_id"], row["file_id"], gone=_NO_FILE)
        return Source(row["title"] or file.title, file.text, known(row["language"]) or file.language, row["url"])


def _failed(reading: asyncio.Task[Source]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)
