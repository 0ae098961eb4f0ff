"""A model that was asked for a verdict: what that took, recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.evaluation import ModelConsulted
from shared.decider import Decider

State = Literal["absent", "recorded"]


@dataclass(frozen=True, slots=True)
class RecordConsultation:
    """`cost_usd` is a decimal number, None when no price is known."""

    consultation_id: UUID
    draft_id: UUID
    user_id: UUID
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: str | None = None


def decide(command: RecordConsultation, state: State) -> Sequence[Event]:
    if state == "recorded":
        return []
    return [
        ModelConsulted(
            consultation_id=command.consultation_id,
            draft_id=command.draft_id,
            user_id=command.user_id,
            model=command.model,
            input_tokens=command.input_tokens,
            output_tokens=command.output_tokens,
            cost_usd=command.cost_usd,
        )
    ]


def evolve(state: State, event: Event) -> State:
    return "recorded" if isinstance(event, ModelConsulted) else state


decider: Decider[State] = Decider(
    stream="consultation",
    initial="absent",
    decide=decide,
    evolve=evolve,
    commands=(RecordConsultation,),
    stream_id=lambda command: command.consultation_id,
    creating=(RecordConsultation,),
)
