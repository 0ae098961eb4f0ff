"""What services offer each other: the feed of events, the history of a story, and the register of subscribers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from contracts.envelope import Mark, headers
from shared.eventstore import statements
from shared.http.internal import InternalOnly
from shared.kit import kit_of

router = APIRouter(prefix="/internal", dependencies=[InternalOnly], include_in_schema=False)

_PAGE = 1000
_MOST_HISTORY = 5000
_REGISTER = """
INSERT INTO subscribers (subscriber, marks, missing) VALUES ($1, $2, $3)
ON CONFLICT (subscriber) DO UPDATE
SET marks = excluded.marks, missing = subscribers.missing OR excluded.missing, reported_at = now()
"""


class Report(BaseModel):
    """How far a subscriber has heard: [partitions, partition, transaction, position] each."""

    marks: list[tuple[int, int, int, int]] = Field(max_length=100_000)
    missing: bool = Field(False, description="What it is sent begins later than that: send again what lies between.")


@router.put("/subscribers/{subscriber}", status_code=204)
async def report(subscriber: str, body: Report, request: Request) -> Response:
    """Who hears this service and how far; a refill brings back what is missing."""
    await kit_of(request).database.pool.execute(_REGISTER, subscriber, body.marks, body.missing)
    return Response(status_code=204)


@router.get("/feed")
async def feed(
    request: Request,
    transaction_id: Annotated[int, Query(ge=0)] = 0,
    position: Annotated[int, Query(ge=0)] = 0,
    types: Annotated[list[str] | None, Query()] = None,
) -> StreamingResponse:
    """All public events after a mark, in commit order, one JSON line each: `{"headers": …, "data": …}`.

    Ends at what is committed for good; ask again from the last line's mark to go on.
    """
    store = kit_of(request).store
    wanted = set(types or ())

    async def lines() -> AsyncIterator[bytes]:
        mark = Mark(transaction_id, position)
        while rows := await store.in_commit_order(mark, _PAGE):
            page = []
            for row in rows:
                if wanted and row["type"] not in wanted:
                    continue
                wire = store.wire(row, 0)
                attributes = {name: value.decode() for name, value in headers(wire)}
                page.append(orjson.dumps({"headers": attributes, "data": orjson.Fragment(wire.data)}))
            if page:
                yield b"\n".join(page) + b"\n"
            mark = Mark(rows[-1]["transaction_id"], rows[-1]["position"])

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.get("/history/{correlation_id}")
async def history(correlation_id: UUID, request: Request) -> list[dict[str, Any]]:
    """Everything one story caused here, oldest first, without private fields."""
    kit = kit_of(request)
    rows = await kit.database.pool.fetch(statements.HISTORY, correlation_id, _MOST_HISTORY)
    return [
        {
            "event_id": row["event_id"],
            "service": kit.store.service,
            "type": row["type"],
            "stream_type": row["stream_type"],
            "stream_id": row["stream_id"],
            "version": row["version"],
            "recorded_at": row["recorded_at"],
            "causation_id": row["causation_id"],
            "actor": row["actor"],
            "traceparent": row["traceparent"],
            "data": orjson.loads(row["data"]),
        }
        for row in rows
    ]
