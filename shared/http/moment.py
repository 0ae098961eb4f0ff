"""A moment that a request names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("It lies outside the years 1 to 9999, seen in UTC. Name another time.") from None


# In UTC, because PostgreSQL refuses offsets of sixteen hours and more, which a request may carry.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
