"""A cursor names a place exactly, and nothing else is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.pagination import Cursor, Page, PageRequest
from shared.http.problem import Problem
from shared.ids import new_id

moments = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(timezone(timedelta(hours=9)))
)


@given(moments, st.uuids())
def test_a_cursor_is_read_as_it_was_written(created_at: datetime, id: UUID) -> None:
    assert Cursor.decode(Cursor(created_at, id).encode()) == Cursor(created_at, id)


@given(st.text(max_size=64))
def test_any_other_text_is_refused_with_400(text: str) -> None:
    with pytest.raises(Problem) as refused:
        Cursor.decode(text)
    assert refused.value.status == 400


def test_a_cursor_of_another_version_is_refused() -> None:
    with pytest.raises(Problem):
        Cursor.decode("Ag" + Cursor(datetime.now(UTC), new_id()).encode()[2:])


def rows(count: int) -> list[dict[str, Any]]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [{"id": new_id(), "created_at": start - timedelta(seconds=n)} for n in range(count)]


def test_a_full_page_with_more_behind_it_points_at_its_last_row() -> None:
    found = rows(4)
    page: Page[dict[str, Any]] = PageRequest(limit=3).page(found)
    assert page.items == found[:3]
    assert Cursor.decode(page.next_cursor or "") == Cursor(found[2]["created_at"], found[2]["id"])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_last_page_points_nowhere(count: int) -> None:
    page: Page[dict[str, Any]] = PageRequest(limit=3).page(rows(count))
    assert (len(page.items), page.next_cursor) == (count, None)
