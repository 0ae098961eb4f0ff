"""An import that goes on in the background: asked for, done part by part, over when every part is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args
from uuid import UUID

from contracts.envelope import Event
from contracts.events.importing import ImportCompleted, ImportPartDone, ImportRemoved, ImportRequested, RefusedLine
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class Import:
    user_id: UUID | None = None
    parts: int = 0
    done: frozenset[int] = frozenset()
    imported: int = 0
    refused: int = 0
    removed: bool = False

    @property
    def running(self) -> bool:
        """Whether there is something left to do."""
        return self.user_id is not None and not self.removed and len(self.done) < self.parts


@dataclass(frozen=True, slots=True)
class RequestImport:
    """`lines` of a file in `parts`, numbered from 1."""

    import_id: UUID
    user_id: UUID
    lines: int
    parts: int


@dataclass(frozen=True, slots=True)
class FinishPart:
    """A part was gone through: so many lines are posts, the others were refused."""

    import_id: UUID
    part: int
    imported: int
    refused: tuple[RefusedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveImport:
    """`expired`: only one that is over, or nothing happens; `user_erased`: whatever its state."""

    import_id: UUID
    reason: Literal["expired", "user_erased"]


Command = RequestImport | FinishPart | RemoveImport


def decide(command: Command, found: Import) -> Sequence[Event]:
    match command:
        case RequestImport():
            if found.user_id is not None:
                return []
            return [
                ImportRequested(
                    import_id=command.import_id, user_id=command.user_id, lines=command.lines, parts=command.parts
                )
            ]
        case FinishPart():
            return _finish(command, found)
        case RemoveImport(reason=reason):
            if found.user_id is None or found.removed or (reason == "expired" and found.running):
                return []
            return [ImportRemoved(import_id=command.import_id, user_id=found.user_id, reason=reason)]


def _finish(command: FinishPart, found: Import) -> Sequence[Event]:
    if found.user_id is None or not found.running or command.part in found.done:
        return []
    common = {"import_id": command.import_id, "user_id": found.user_id}
    done = ImportPartDone(**common, part=command.part, imported=command.imported, refused=command.refused)
    if len(found.done) + 1 < found.parts:
        return [done]
    imported, refused = found.imported + command.imported, found.refused + len(command.refused)
    return [done, ImportCompleted(**common, imported=imported, refused=refused)]


def evolve(found: Import, event: Event) -> Import:
    match event:
        case ImportRequested():
            return Import(event.user_id, event.parts)
        case ImportPartDone():
            return replace(
                found,
                done=found.done | {event.part},
                imported=found.imported + event.imported,
                refused=found.refused + len(event.refused),
            )
        case ImportRemoved():
            return Import(event.user_id, removed=True)
        case _:
            return found


decider: Decider[Import] = Decider(
    stream="import",
    initial=Import(),
    decide=decide,
    evolve=evolve,
    commands=get_args(Command),
    stream_id=lambda command: command.import_id,
    creating=(RequestImport,),
)
