"""Rows of imports and of the lines that they refused."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.events.importing import ImportCompleted, ImportPartDone, ImportRemoved, ImportRequested
from shared.projection import RowChange, add, delete, insert, projects, update

_LINE_BITS = 32


@projects(ImportRequested)
def begin(event: ImportRequested, at: datetime) -> RowChange:
    return insert(
        "imports",
        id=event.import_id,
        user_id=event.user_id,
        status="running",
        lines=event.lines,
        imported=0,
        refused=0,
        created_at=at,
        updated_at=at,
    )


@projects(ImportPartDone)
def count(event: ImportPartDone, at: datetime) -> list[RowChange]:
    return [
        add("imports", {"id": event.import_id}, imported=event.imported, refused=len(event.refused)),
        update("imports", {"id": event.import_id}, updated_at=at),
        *(
            insert(
                "import_refusals",
                id=_place(event.import_id, each.line),
                import_id=event.import_id,
                user_id=event.user_id,
                line=each.line,
                error=each.error,
                created_at=at,
            )
            for each in event.refused
        ),
    ]


@projects(ImportCompleted)
def complete(event: ImportCompleted, at: datetime) -> RowChange:
    return update("imports", {"id": event.import_id}, status="completed", completed_at=at, updated_at=at)


@projects(ImportRemoved)
def remove(event: ImportRemoved, at: datetime) -> RowChange:
    return delete("imports", id=event.import_id)


def _place(import_id: UUID, line: int) -> UUID:
    """An id that is the same each time, and in the order of lines within an import."""
    return UUID(int=(import_id.int >> _LINE_BITS << _LINE_BITS) | line)
