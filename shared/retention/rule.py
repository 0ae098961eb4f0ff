"""A rule of retention: what goes, after how long, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.kit import Kit
    from shared.settings import ServiceSettings


class Stopped(Exception):
    """Going on would remove what is in use, or would not be safe now; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is old enough to go, and of when the oldest of it is. `note`: what is old enough but stays, and why."""

    count: int
    oldest: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many went; `note` as in Found."""

    count: int
    note: str = ""


class Act(Protocol):
    """How a rule finds and removes. Both raise Stopped."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        """What is older than the cutoff and may go; changes nothing."""
        ...

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        """Remove of it at most so many, in small transactions."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """`after` names the setting that says for how long things are kept; it ends with the unit, `_days` or `_hours`."""

    name: str
    what: str
    after: str
    act: Act

    def kept(self, settings: ServiceSettings) -> timedelta:
        """For how long things are kept."""
        unit = self.after.rpartition("_")[2]
        return timedelta(**{unit: float(getattr(settings, self.after))})
