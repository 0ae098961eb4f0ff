"""Deciders: what a stream allows, as two pure functions and no framework (after Equinox and Emmett)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

State = TypeVar("State")


class DomainError(Exception):
    """A refusal in the domain's words. `extra` travels to the client beside the sentence."""

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class NotFound(DomainError):
    """It does not exist for whoever asks."""


class Conflict(DomainError):
    """It cannot be done in the present state; `current` says which that is."""


class Invalid(DomainError):
    """The command contradicts itself or a rule."""


class Forbidden(DomainError):
    """Known, but not allowed."""


@dataclass(frozen=True, slots=True)
class Decider(Generic[State]):
    """One kind of stream.

    `decide(command, state)` returns the events that follow, `[]` for a repeated command, or raises a DomainError;
    `evolve(state, event)` never raises. `creating` names the commands that usually start a stream: for these the kit
    does not look for earlier events first (a stream that exists after all is noticed on append and decided anew).
    """

    stream: str
    initial: State
    decide: Callable[[Any, State], Sequence[Any]]
    evolve: Callable[[State, Any], State]
    commands: tuple[type, ...]
    stream_id: Callable[[Any], UUID]
    creating: tuple[type, ...] = ()
