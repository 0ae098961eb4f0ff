"""Several statements as one, so that what a unit writes is one round trip and, by itself, one transaction.

Each statement becomes a part of a WITH. The parts see the tables as they were before, so they may not depend on each
other's effects; foreign keys are looked at when all are done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg

UNEXPECTED = "other rows than expected: "  # no number, so its cast to one fails with these words
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One statement. `expected`: how many rows it has to return, or nothing of all parts may be; `told`: a column of
    the rows it returns that the answer lists under the part's name."""

    name: str
    sql: str
    arguments: Sequence[Any]
    expected: int | None = None
    told: str | None = None


def together(parts: Sequence[Part]) -> tuple[str, list[Any]]:
    """The statement and its arguments. It answers one row; a part that returned other than `expected` rows makes it
    fail with an error that `is_unexpected`, because only an error takes back what the other parts did."""
    shape = tuple((part.name, part.sql, len(part.arguments), part.expected is not None, part.told) for part in parts)
    arguments = [argument for part in parts for argument in part.arguments]
    return _sql(shape), arguments + [part.expected for part in parts if part.expected is not None]


def is_unexpected(error: asyncpg.InvalidTextRepresentationError) -> bool:
    """Whether a part did not return as many rows as expected, and nothing else was wrong."""
    return UNEXPECTED in str(error)


@lru_cache(maxsize=1024)
def _sql(shape: tuple[tuple[str, str, int, bool, str | None], ...]) -> str:
    withs, answers, counted = [], ["1 AS done"], 0
    for name, sql, count, _, _ in shape:
        withs.append(f"_{name} AS ({_moved(sql, counted)})")
        counted += count
    for name, _, _, expects, told in shape:
        if expects:
            counted += 1
            rows = f"(SELECT count(*) FROM _{name})"
            answers.append(
                f"CASE {rows} WHEN ${counted}::bigint THEN 1 ELSE ('{UNEXPECTED}' || {rows})::int END AS {name}"
            )
        elif told:
            answers.append(f"(SELECT array_agg({told}) FROM _{name}) AS {name}")
    return f"WITH {', '.join(withs)} SELECT {', '.join(answers)}"


def _moved(sql: str, by: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + by}", sql)
