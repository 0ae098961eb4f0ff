"""Retention by events: each thing that is old enough gets a command, and its decider has the last word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.decider import DomainError
from shared.retention.rule import Found, Removed

if TYPE_CHECKING:
    from shared.kit import Kit

TOGETHER = 50  # commands on their way at once; they share transactions

_COUNT = "SELECT count(*) AS count, min(at) AS oldest FROM ({candidates}) AS candidates"


@dataclass(frozen=True, slots=True)
class ByCommand:
    """`candidates`: SQL that selects what may go as rows with an `at` (the age that counts), oldest first; $1 is the
    cutoff, $2 how many at most or null. `command` makes of a row and the cutoff the command that lets it go.

    `in_use`: SQL that counts what is older than $1 but stays; `stays` says why, after the number.
    """

    candidates: str
    command: Callable[[Mapping[str, Any], datetime], Any]
    in_use: str = ""
    stays: str = ""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        async with kit.database.reading(None) as connection:
            row = await connection.fetchrow(_COUNT.format(candidates=self.candidates), cutoff, None)
        return Found(row["count"], row["oldest"], await self._note(kit, cutoff))

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        async with kit.database.reading(None) as connection:
            rows = await connection.fetch(self.candidates, cutoff, most)
        refused: list[DomainError] = []
        for start in range(0, len(rows), TOGETHER):
            answers = await asyncio.gather(
                *(kit.handle(self.command(row, cutoff), actor=None) for row in rows[start : start + TOGETHER]),
                return_exceptions=True,
            )
            for answer in answers:
                if isinstance(answer, DomainError):
                    refused.append(answer)
                elif isinstance(answer, BaseException):
                    raise answer
        notes = [await self._note(kit, cutoff)]
        if refused:
            notes.append(f"{len(refused)} stay: {refused[0].message}")
        return Removed(len(rows) - len(refused), "; ".join(filter(None, notes)))

    async def _note(self, kit: Kit, cutoff: datetime) -> str:
        if not self.in_use:
            return ""
        async with kit.database.reading(None) as connection:
            count = await connection.fetchval(self.in_use, cutoff)
        return f"{count} {self.stays}" if count else ""
