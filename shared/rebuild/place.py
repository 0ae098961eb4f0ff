"""How far the shadows are filled, and all that is needed in order to go on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.envelope import START, Mark, Wire, headers, parse
from shared.rebuild.heard import NOTHING, Heard
from shared.rebuild.reading import Read

Marks = Mapping[str, Mark]  # by source


@dataclass(frozen=True, slots=True)
class Place:
    """Between two folds. `before`: what of other services' events is in the shadows; of the pass under way `now`, up to
    which it goes, and in `marks` how far it came. The service's own events are in them up to their mark."""

    events: int = 0  # gone through
    filled: bool = False  # the first pass is done: what comes now comes into shadows with all their indexes
    marks: Marks = field(default_factory=dict)
    before: Heard = NOTHING
    now: Heard | None = None
    aside: Mapping[str, Sequence[Wire]] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()  # tables that projections wrote to

    def mark(self, source: str) -> Mark:
        return self.marks.get(source, START)

    def after(self, reads: Sequence[Read], aside: Mapping[str, Sequence[Wire]], touched: frozenset[str]) -> Place:
        """When these, in their order, are written as well."""
        return replace(
            self, events=self.events + len(reads), marks=reached(reads, self.marks), aside=aside, touched=touched
        )

    def passed(self, own: str, mark: Mark) -> Place:
        """When the pass under way is over, in which own events were read up to this mark."""
        assert self.now is not None
        return replace(self, filled=True, marks={own: mark}, before=self.now, now=None)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "filled": self.filled,
            "marks": marks_told(self.marks),
            "before": self.before.told(),
            "now": None if self.now is None else self.now.told(),
            "aside": {
                source: [
                    {"headers": [[name, value.decode()] for name, value in headers(wire)], "data": wire.data.decode()}
                    for wire in wires
                ]
                for source, wires in self.aside.items()
                if wires
            },
            "touched": sorted(self.touched),
        }

    @classmethod
    def read(cls, events: int, told: Mapping[str, Any]) -> Place:
        """What `told` says."""
        return cls(
            events=events,
            filled=told["filled"],
            marks={source: Mark(*mark) for source, mark in told["marks"].items()},
            before=Heard.read(told["before"]),
            now=None if told["now"] is None else Heard.read(told["now"]),
            aside={
                source: [
                    parse([(name, value.encode()) for name, value in each["headers"]], each["data"].encode())
                    for each in wires
                ]
                for source, wires in told["aside"].items()
            },
            touched=frozenset(told["touched"]),
        )


def reached(reads: Sequence[Read], before: Marks | None = None) -> dict[str, Mark]:
    """The last mark of each source; those of events that had been set aside lie behind it."""
    marks = dict(before or {})
    for read in reads:
        if read.mark > marks.get(read.source, START):
            marks[read.source] = read.mark
    return marks


def marks_told(marks: Marks) -> dict[str, list[int]]:
    """As JSON."""
    return {source: list(mark) for source, mark in marks.items()}
