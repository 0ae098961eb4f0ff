"""Exports as CSV and JSON: nothing calculates, everything can be read back."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.publishing.exporting.cells import COLUMNS, as_csv, as_json, cell, lines


def row(**known: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | known


async def pages(*found: Sequence[dict[str, Any]]) -> AsyncIterator[Sequence[dict[str, Any]]]:
    for page in found:
        yield page


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_a_spreadsheet_would_calculate_begins_with_an_apostrophe(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert cell([f"{start}bread"]).startswith("'")


def test_what_is_harmless_stays_as_it_is() -> None:
    assert [cell(value) for value in ("a=b", "", None, 'say "=1"', "빵은 밤새 부푼다")] == [
        "a=b", "", "", 'say "=1"', "빵은 밤새 부푼다"
    ]  # fmt: skip
    assert cell(datetime(2026, 3, 5, 8, tzinfo=UTC)) == "2026-03-05T08:00:00+00:00"
    assert cell(["bread", "dough"]) == "bread dough"


def test_quotes_commas_and_line_breaks_are_read_back() -> None:
    nasty = 'She said: "now, or\r\nnever"; \u2028 ok'
    assert list(csv.reader(io.StringIO(lines([[nasty, "b"]]), newline=""))) == [[nasty, "b"]]


async def test_csv_has_a_head_and_a_mark_when_asked() -> None:
    found = await whole(as_csv(pages([row(title="One")], [row(title="Two")]), mark=True))
    assert found.startswith(b"\xef\xbb\xbfid,workflow_id,")
    read = list(csv.DictReader(io.StringIO(found.decode("utf-8-sig"), newline="")))
    assert [each["title"] for each in read] == ["One", "Two"]
    assert (await whole(as_csv(pages(), mark=False))).decode() == ",".join(COLUMNS) + "\r\n"


async def test_json_is_one_array_however_many_pages() -> None:
    for count in range(4):
        found = await whole(as_json(pages(*([row(title=str(number))] for number in range(count)))))
        assert [each["title"] for each in orjson.loads(found)] == [str(number) for number in range(count)]
