"""How a criterion is scored: it starts at 90 and each finding takes points and says what to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from .draft import Draft, quote

# Rules see faults, not excellence: the last ten points are never theirs to give.
START: Final = 90


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that could be better: `points` off, and `advice`, a clause that says what to change.

    The clause quotes the sentence it is about or names the line; `line` is where its paragraph begins, from 1.
    """

    points: float
    advice: str
    line: int


@dataclass(frozen=True, slots=True)
class Rating:
    """One criterion: its findings, the figures behind them, and the most it may reach."""

    findings: tuple[Finding, ...]
    measures: dict[str, Any] = field(default_factory=dict)
    most: int = START

    @property
    def score(self) -> int:
        """0 to 90."""
        return max(0, min(self.most, round(START - sum(finding.points for finding in self.findings))))

    def advice(self, count: int = 2) -> str:
        """What the heaviest findings ask for, in one clause; empty when there are none."""
        return "; ".join(f.advice for f in sorted(self.findings, key=lambda f: -f.points)[:count])


def rating(findings: Iterable[Finding | None], measures: dict[str, Any], most: int = START) -> Rating:
    """A rating of the findings that were made."""
    return Rating(tuple(f for f in findings if f is not None and f.points > 0), measures, most)


def quoting(points: float, advice: str, draft: Draft, sentence: str) -> Finding:
    """A finding about a sentence of the draft, which is quoted in the place of `{}`; its line is when it is empty."""
    line = draft.line_of(sentence)
    return Finding(points, advice.replace("{}", quote(sentence) if sentence else f"line {line}"), line)


def up_to(most: float, points: float) -> float:
    """The points, between 0 and `most`."""
    return max(0.0, min(most, points))
