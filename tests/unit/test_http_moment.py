"""Moments of requests are kept in UTC, however far their offset."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.moment import Moment


def test_an_offset_that_postgresql_refuses_is_put_into_utc() -> None:
    at = TypeAdapter(Moment).validate_python("2026-11-28T17:04:40+21:36")
    assert (at, at.tzinfo) == (datetime(2026, 11, 27, 19, 28, 40, tzinfo=UTC), UTC)


def test_a_moment_before_the_first_year_is_refused() -> None:
    with pytest.raises(ValidationError, match="Name another time"):
        TypeAdapter(Moment).validate_python("0001-01-01T00:00:00+02:00")
