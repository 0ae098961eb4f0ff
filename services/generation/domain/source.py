"""Generation's copy of what a workflow is about: it comes with the workflow, and is erased once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import SourceErased
from shared.decider import Decider
from shared.ids import derive

State = Literal["kept", "erased"]


@dataclass(frozen=True, slots=True)
class EraseSource:
    workflow_id: UUID
    user_id: UUID

    @property
    def source_id(self) -> UUID:
        """One a workflow."""
        return derive("source", self.workflow_id)


def decide(command: EraseSource, state: State) -> Sequence[Event]:
    if state == "erased":
        return []
    return [SourceErased(source_id=command.source_id, workflow_id=command.workflow_id, user_id=command.user_id)]


def evolve(state: State, event: Event) -> State:
    return "erased" if isinstance(event, SourceErased) else state


decider: Decider[State] = Decider(
    stream="source",
    initial="kept",
    decide=decide,
    evolve=evolve,
    commands=(EraseSource,),
    stream_id=lambda command: command.source_id,
)
