"""The tokens of a day, a user's or everybody's: told when four fifths are used, and when all are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import TokenBudgetExhausted, TokenBudgetNeared
from shared.decider import Decider
from shared.ids import derive

_FIFTHS: Final = 4  # of five


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """The limits of which it was told that they are near, and that they are reached; 0 before."""

    neared: int = 0
    exhausted: int = 0


@dataclass(frozen=True, slots=True)
class NoteUse:
    """So much is used; nobody's (`None`) is everybody's. A limit that an operator raises is told of anew."""

    day: date
    user_id: UUID | None
    used_tokens: int
    limit_tokens: int

    @property
    def token_budget_id(self) -> UUID:
        return derive("token_budget", self.day, self.user_id)


def decide(command: NoteUse, budget: TokenBudget) -> Sequence[Event]:
    said = {
        "token_budget_id": command.token_budget_id,
        "day": command.day,
        "user_id": command.user_id,
        "used_tokens": command.used_tokens,
        "limit_tokens": command.limit_tokens,
    }
    used, limit = command.used_tokens, command.limit_tokens
    events: list[Event] = []
    if used * 5 >= limit * _FIFTHS and limit > budget.neared:
        events.append(TokenBudgetNeared(**said))
    if used >= limit > budget.exhausted:
        events.append(TokenBudgetExhausted(**said))
    return events


def evolve(budget: TokenBudget, event: Event) -> TokenBudget:
    match event:
        case TokenBudgetNeared():
            return replace(budget, neared=event.limit_tokens)
        case TokenBudgetExhausted():
            return replace(budget, exhausted=event.limit_tokens)
        case _:
            return budget


decider: Decider[TokenBudget] = Decider(
    stream="token_budget",
    initial=TokenBudget(),
    decide=decide,
    evolve=evolve,
    commands=(NoteUse,),
    stream_id=lambda command: command.token_budget_id,
)
