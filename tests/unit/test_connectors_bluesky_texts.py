"""What is derived for Bluesky without asking it: keys of posts, and marks in their text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import regex
from hypothesis import given
from hypothesis import strategies as st

from services.publishing.connectors.richtext import facets
from services.publishing.connectors.tid import tid
from shared.ids import derive
from shared.platforms import measure

ASKED = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_key_is_the_same_for_the_same_job_and_another_for_another() -> None:
    job = derive("a", "job")
    assert tid(job, ASKED, 0) == tid(job, ASKED, 0)
    assert len({tid(derive("a job", number), ASKED, 0) for number in range(500)}) == 500


@given(st.uuids(), st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 98))
def test_keys_are_well_formed_and_later_parts_sort_later(job: UUID, at: datetime, part: int) -> None:
    keys = [tid(job, at.replace(tzinfo=UTC), number) for number in (part, part + 1)]
    assert all(regex.fullmatch(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", key) for key in keys)
    assert keys[0] < keys[1]
    assert tid(job, at.replace(tzinfo=UTC) + timedelta(seconds=1), 0) > keys[1]


def test_hashtags_inside_links_are_no_hashtags_and_marks_count_bytes() -> None:
    text = "é https://example.org/#top #Tag"
    found = facets(text)
    assert [text.encode()[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in found] == [
        "https://example.org/#top",
        "#Tag",
    ]
    assert facets("#" + "a" * 65) == []


def test_a_family_counts_once_on_bluesky() -> None:
    assert (measure("bluesky", "👨‍👩‍👧‍👦한e\u0301"), measure("x", "👨‍👩‍👧‍👦")) == (3, 2)
