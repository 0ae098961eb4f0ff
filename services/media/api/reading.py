"""Finding a file for whoever asks, and waiting for its text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.media import queries
from services.media.api.views import TextView
from services.media.storage import NoSuchObject, StorageUnavailable
from shared.decider import Conflict, NotFound
from shared.http.deadline import Deadline
from shared.http.errors import unavailable
from shared.kit import Kit

MAX_WAIT = 20.0
_ANSWERING = 0.5  # seconds kept back from the deadline to answer in

WaitQuery = Annotated[
    float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait at most until the text was read or could not be.")
]


async def find(kit: Kit, user_id: UUID | None, file_id: UUID, wait: float, deadline: Deadline) -> Any:
    """The file's row, after waiting at most `wait` seconds for its text. Raises NotFound; None as user sees all."""

    async def look() -> Any:
        async with kit.database.reading(user_id) as connection:
            return await queries.file(connection, file_id)

    seconds = min(wait, max(0.0, deadline.remaining() - _ANSWERING))
    row = await kit.tools.outcomes.until(
        file_id, look, lambda found: found is None or found["text_status"] != "pending", seconds
    )
    if row is None:
        raise NotFound("There is no such file; list your files to see which there are.")
    return row


async def text_of(kit: Kit, row: Any) -> TextView:
    """The text of a file. Raises Conflict when there is none (yet)."""
    status = row["text_status"]
    if status == "pending":
        raise Conflict("The file is still being read; ask again with ?wait=20.", current=status)
    if status == "failed":
        raise Conflict(row["error"] or "The file cannot be read; upload it in another format.", current=status)
    async with storing():
        data = await kit.tools.storage.get(row["text_path"])
    return TextView(
        id=row["id"],
        title=row["title"],
        language=row["language"],
        characters=row["characters"],
        sha256=row["text_sha256"],
        text=data.decode(),
    )


@asynccontextmanager
async def storing() -> AsyncIterator[None]:
    """Storage in an HTTP request: unavailable is 503, and what has just been removed does not exist."""
    try:
        yield
    except StorageUnavailable as error:
        raise unavailable("The storage of files cannot be reached now; try again in a moment.") from error
    except NoSuchObject as error:
        raise NotFound("The file is not in storage any more; upload it again.") from error
