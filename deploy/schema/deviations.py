"""The one list of where we differ from the documents on purpose, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from deploy.schema.compare import Fact

LIST = Path(__file__).with_name("deviations.toml")


class Deviation(BaseModel):
    """Differences that are meant. Each of the lists holds patterns (`*`, `?`); one of each list has to match, and every
    pattern has to match something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    reason: str
    kind: tuple[str, ...] = Field(min_length=1)
    document: tuple[str, ...] = ("*",)
    table: tuple[str, ...] = ("*",)
    subject: tuple[str, ...] = ("*",)
    documented: tuple[str, ...] = ("*",)
    ours: tuple[str, ...] = ("*",)

    def patterns(self) -> Iterable[tuple[str, str]]:
        """(name of the list, pattern) of all of them."""
        for name in ("kind", "document", "table", "subject", "documented", "ours"):
            for pattern in getattr(self, name):
                yield name, pattern

    def covers(self, fact: Fact) -> bool:
        return all(
            any(fnmatchcase(getattr(fact, name), pattern) for pattern in getattr(self, name))
            for name in ("kind", "document", "table", "subject", "documented", "ours")
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    deviation: list[Deviation] = []


def load(path: Path = LIST) -> list[Deviation]:
    """The list. Raises pydantic's ValidationError for an entry it cannot make sense of."""
    return _File.model_validate(tomllib.loads(path.read_text("utf-8"))).deviation


@dataclass
class Verdict:
    """What is left when the list was applied: differences without a reason, and reasons without a difference."""

    unexplained: list[Fact] = field(default_factory=list)
    explained: dict[Fact, Deviation] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)


def judge(facts: Iterable[Fact], deviations: list[Deviation]) -> Verdict:
    """Apply the list: the first deviation that covers a difference explains it."""
    verdict = Verdict()
    covered: dict[str, list[Fact]] = {deviation.title: [] for deviation in deviations}
    for fact in facts:
        if not fact.differs:
            continue
        found = [deviation for deviation in deviations if deviation.covers(fact)]
        if not found:
            verdict.unexplained.append(fact)
            continue
        verdict.explained[fact] = found[0]
        for deviation in found:
            covered[deviation.title].append(fact)
    for deviation in deviations:
        if not covered[deviation.title]:
            verdict.stale.append(f"{deviation.title}: explains nothing any more")
            continue
        for name, pattern in deviation.patterns():
            if not any(fnmatchcase(getattr(fact, name), pattern) for fact in covered[deviation.title]):
                verdict.stale.append(f"{deviation.title}: {name} = {pattern!r} explains nothing any more")
    return verdict
