"""Times that people name: a moment with an offset, or a wall-clock time in an IANA zone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.decider import Invalid


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises Invalid for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise Invalid(f"{name!r} is no time zone; use an IANA name such as Europe/Berlin.") from error


def moment(when: datetime, time_zone: str | None, now: datetime) -> tuple[datetime, str]:
    """The moment in UTC and the name of its zone.

    A local time that happens twice (clocks put back) means its first occurrence. Raises Invalid for one that does not
    happen (clocks put forward), for a time without offset and zone, and for the past.
    """
    try:
        found = _in_utc(when, time_zone)
    except OverflowError:  # the first and the last day that there are, elsewhere
        raise Invalid(f"{when.isoformat()} is out of reach; choose another time.") from None
    if found <= now:
        raise Invalid("The time to publish has passed; choose one in the future, or leave it out to publish now.")
    return found, time_zone or "UTC"


def _in_utc(when: datetime, time_zone: str | None) -> datetime:
    if when.tzinfo is None:
        if time_zone is None:
            raise Invalid("Send `scheduled_for` with an offset, or a `time_zone` beside it.")
        local = when.replace(tzinfo=zone(time_zone), fold=0)
        if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != when:
            raise Invalid(f"{when.isoformat()} does not exist in {time_zone}: the clocks skip it. Choose another time.")
        return local.astimezone(UTC)
    if time_zone is not None:
        zone(time_zone)
    return when.astimezone(UTC)
