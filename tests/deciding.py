"""Given, when, then for deciders: `deciding(decider).given(*events).when(command).then(*events)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from contracts.envelope import Event
from shared.decider import Decider, DomainError


@dataclass(frozen=True)
class Outcome:
    """What a command led to: events, or a refusal."""

    past: Deciding
    events: Sequence[Event] = ()
    refusal: DomainError | None = None

    def then(self, *expected: Event) -> None:
        """Exactly these events follow."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert list(self.events) == list(expected)

    def then_types(self, *expected: type[Event]) -> Deciding:
        """Events of exactly these types follow; the history goes on with them."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert [type(event) for event in self.events] == list(expected)
        return self.past.given(*self.events)

    def then_nothing(self) -> None:
        """The command changes nothing and is no error."""
        self.then()

    def then_refused(self, error: type[DomainError], saying: str = "", **extra: Any) -> DomainError:
        """The command is refused with this error, whose sentence contains `saying` and which carries `extra`."""
        assert type(self.refusal) is error, f"{self.refusal!r}, {list(self.events)}"
        assert saying in self.refusal.message
        assert extra.items() <= self.refusal.extra.items()
        return self.refusal


@dataclass(frozen=True)
class Deciding:
    """A stream with a history."""

    decider: Decider[Any]
    history: Sequence[Event] = ()

    def given(self, *events: Event) -> Deciding:
        """What happened before."""
        return replace(self, history=[*self.history, *events])

    def when(self, command: Any) -> Outcome:
        """What is asked now; decided on the state that the history leads to."""
        try:
            return Outcome(self, self.decider.decide(command, self.state))
        except DomainError as refusal:
            return Outcome(self, refusal=refusal)

    @property
    def state(self) -> Any:
        """What the history leads to."""
        return reduce(self.decider.evolve, self.history, self.decider.initial)


deciding: Callable[[Decider[Any]], Deciding] = Deciding
