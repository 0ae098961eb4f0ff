"""A file of posts as lines: CSV with a head line, or a JSON array of objects.

An export (`/api/v1/export/posts.csv`) can be read; columns that say nothing to an import are passed by.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from shared.decider import Invalid

COLUMNS = ("platform", "content", "title", "scheduled_for", "time_zone", "connection_id")
AT_ONCE = 1000  # lines of a file that its sender waits for
MOST = 50_000  # lines of one file
_REQUIRED = {"platform", "content"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def read(body: bytes, media_type: str, charset: str | None) -> list[dict[str, Any]]:
    """The lines, each with those of COLUMNS that are not empty. Raises Invalid for a file that cannot be read."""
    text = _text(body, charset)
    rows = list(_json(text) if media_type == "application/json" else _csv(text))
    if not rows:
        raise Invalid("The file holds no post; give a head line and a line for each post.")
    if len(rows) > MOST:
        raise Invalid(f"The file holds {len(rows):,} posts; import at most {MOST:,} at a time.")
    return [{name: row[name] for name in COLUMNS if row.get(name) not in (None, "")} for row in rows]


def _text(body: bytes, charset: str | None) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    try:
        return body.decode("utf-8-sig" if charset in (None, "utf-8", "utf8") else charset)
    except (UnicodeDecodeError, LookupError):
        raise Invalid(
            "The file is not UTF-8; save it as UTF-8, or name its charset in Content-Type, as text/csv; charset=euc-kr."
        ) from None


def _csv(text: str) -> Iterator[dict[str, Any]]:
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if missing := sorted(_REQUIRED.difference(names)):
            raise Invalid(
                f"The head line lacks {' and '.join(missing)}; it names the columns, as: {','.join(COLUMNS)}."
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Invalid(f"The head line names {twice[0]!r} twice; name each column once.")
        reader.fieldnames = names
        for row in reader:
            if None in row or None in row.values():
                raise Invalid(
                    f"Line {reader.line_num} has not as many cells as the head line; quote cells with commas."
                )
            yield {name: _bare(value) for name, value in row.items()}
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} is no CSV: {error}.") from None


def _bare(cell: str) -> str:
    """The cell without the apostrophe that an export puts before what a spreadsheet would calculate."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _json(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The file is no JSON: {error}.") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Invalid("The file is no JSON array of objects; give one object for each post.")
    yield from found
