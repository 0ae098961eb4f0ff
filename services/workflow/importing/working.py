"""Importing in the background: the lines of a file as tasks, some lines each.

The tasks are written in the transaction that takes the file in, so neither a crash nor a restart loses a line; one that
was imported before its part was noted as done is imported again, which changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.events.importing import RefusedLine
from services.workflow.domain.commands import ImportPost
from services.workflow.domain.post_import import FinishPart
from services.workflow.importing import queries
from services.workflow.importing.lines import examined
from shared.decider import DomainError
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, gave_up, work

PART = "import_part"
LINES = 100  # of a part, at most; what is said of them has to fit into one event
_CHARACTERS = 500_000  # of the contents of a part, above which it takes no further line
_SAID = 500  # characters of a refusal that are kept
TOGETHER = 50  # posts on their way at once; they share transactions


def parts(import_id: UUID, user_id: UUID, rows: Sequence[Mapping[str, Any]]) -> list[Task]:
    """The tasks that import these lines."""
    return [
        Task(
            derive(import_id, PART, number),
            PART,
            {"import_id": import_id, "user_id": user_id, "part": number, "first": first, "rows": some},
        )
        for number, (first, some) in enumerate(_divided(rows), start=1)
    ]


def _divided(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Some lines at a time, and the number of the first of them."""
    first, some, characters = 1, list[Mapping[str, Any]](), 0
    for number, row in enumerate(rows, start=1):
        size = len(str(row.get("content", "")))
        if some and (len(some) == LINES or characters + size > _CHARACTERS):
            yield first, some
            first, some, characters = number, [], 0
        some.append(row)
        characters += size
    if some:
        yield first, some


async def carry_out(kit: Kit, commands: Mapping[int, ImportPost], user_id: UUID) -> dict[int, str]:
    """Import these lines; those that were refused after all, and why."""
    refused: dict[int, str] = {}
    wanted = list(commands.items())
    for start in range(0, len(wanted), TOGETHER):
        some = wanted[start : start + TOGETHER]
        answers = await asyncio.gather(
            *(kit.handle(command, actor=user_id) for _, command in some), return_exceptions=True
        )
        for (number, _), answer in zip(some, answers, strict=True):
            if isinstance(answer, DomainError):
                refused[number] = answer.message
            elif isinstance(answer, BaseException):
                raise answer
    return refused


@work(PART, lease=120, attempts=8, concurrency=1)
async def import_part(task: LeasedTask, kit: Kit) -> list[FinishPart]:
    """One part at a time in each process, so that a long file leaves room for everybody's requests."""
    payload = task.payload
    import_id, user_id = UUID(payload["import_id"]), UUID(payload["user_id"])
    async with kit.database.reading(None) as connection:
        if not await queries.is_running(connection, import_id):
            return []
    rows: Sequence[Mapping[str, Any]] = payload["rows"]
    numbered = enumerate(rows, start=payload["first"])
    commands, refused = await asyncio.to_thread(examined, list(numbered), user_id, datetime.now(UTC))
    refused |= await carry_out(kit, commands, user_id)
    return [_finished(payload, len(rows) - len(refused), refused)]


@gave_up(PART)
def refuse_all(task: LeasedTask, reason: str) -> list[FinishPart]:
    """What some of the attempts imported stays, and is not imported twice."""
    sentence = f"This part could not be finished ({reason[:200]}); send the file again: no line is imported twice."
    first, count = task.payload["first"], len(task.payload["rows"])
    return [_finished(task.payload, 0, dict.fromkeys(range(first, first + count), sentence))]


def _finished(payload: Mapping[str, Any], imported: int, refused: Mapping[int, str]) -> FinishPart:
    lines = tuple(RefusedLine(line=number, error=refused[number][:_SAID]) for number in sorted(refused))
    return FinishPart(UUID(payload["import_id"]), payload["part"], imported, lines)
