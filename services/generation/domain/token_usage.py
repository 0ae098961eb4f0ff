"""What one call of a model took, recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import TokensUsed, TokenUsageErased
from shared.decider import Decider

State = Literal["absent", "recorded", "erased"]


@dataclass(frozen=True, slots=True)
class RecordTokens:
    """`cost_usd` is a decimal number, None when no price is known."""

    token_usage_id: UUID
    service: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: str | None = None
    post_id: UUID | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EraseTokens:
    token_usage_id: UUID


Command = RecordTokens | EraseTokens


def decide(command: Command, state: State) -> Sequence[Event]:
    match command:
        case RecordTokens() if state == "absent":
            return [
                TokensUsed(
                    token_usage_id=command.token_usage_id,
                    service=command.service,
                    model=command.model,
                    input_tokens=command.input_tokens,
                    output_tokens=command.output_tokens,
                    cost_usd=command.cost_usd,
                    post_id=command.post_id,
                    user_id=command.user_id,
                )
            ]
        case EraseTokens() if state == "recorded":
            return [TokenUsageErased(token_usage_id=command.token_usage_id)]
        case _:
            return []


def evolve(state: State, event: Event) -> State:
    match event:
        case TokensUsed():
            return "recorded"
        case TokenUsageErased():
            return "erased"
        case _:
            return state


decider: Decider[State] = Decider(
    stream="token_usage",
    initial="absent",
    decide=decide,
    evolve=evolve,
    commands=(RecordTokens, EraseTokens),
    stream_id=lambda command: command.token_usage_id,
    creating=(RecordTokens,),
)
