"""Times that people name become moments, or are refused with what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.decider import Invalid
from shared.local_time import moment

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "time_zone", "expected", "zone"),
    [
        ("2026-03-02T11:00:00+01:00", None, "2026-03-02T10:00:00+00:00", "UTC"),
        ("2026-03-02T11:00:00+01:00", "Asia/Seoul", "2026-03-02T10:00:00+00:00", "Asia/Seoul"),
        ("2026-07-01T09:00:00", "Europe/Berlin", "2026-07-01T07:00:00+00:00", "Europe/Berlin"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00", "Europe/Berlin"),  # the first of the two
    ],
)
def test_a_time_with_an_offset_or_a_zone_is_a_moment(
    when: str, time_zone: str | None, expected: str, zone: str
) -> None:
    assert moment(datetime.fromisoformat(when), time_zone, NOW) == (datetime.fromisoformat(expected), zone)


@pytest.mark.parametrize(
    ("when", "time_zone", "saying"),
    [
        ("2026-03-02T09:30:00+00:00", None, "has passed"),
        ("2026-03-02T10:00:00", "Europe/Berlin", "has passed"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "does not exist in Europe/Berlin"),
        ("2027-01-01T00:00:00", None, "with an offset, or a `time_zone`"),
        ("2027-01-01T00:00:00", "Mars/Olympus", "no time zone"),
        ("2027-01-01T00:00:00+00:00", "../../etc/passwd", "no time zone"),
        ("9999-12-31T23:59:59-14:00", None, "out of reach"),
        ("9999-12-31T23:59:59", "America/Los_Angeles", "out of reach"),
        ("0001-01-01T00:00:00", "Asia/Seoul", "out of reach"),
    ],
)
def test_what_is_no_moment_to_come_is_refused(when: str, time_zone: str | None, saying: str) -> None:
    with pytest.raises(Invalid, match=saying):
        moment(datetime.fromisoformat(when), time_zone, NOW)
