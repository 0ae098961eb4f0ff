"""Rows as lines of CSV (RFC 4180) that no spreadsheet takes for formulas, and as JSON.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

COLUMNS = (
    "id",
    "workflow_id",
    "platform",
    "status",
    "title",
    "content",
    "hashtags",
    "scheduled_for",
    "time_zone",
    "published_at",
    "url",
    "error",
    "created_at",
)
BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> str:
    """A value as a cell: times in ISO 8601, lists with spaces between, nothing for null.

    What a spreadsheet would calculate gets an apostrophe in front.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(rows: Sequence[Sequence[Any]]) -> str:
    """Lines of CSV, each ending in CRLF."""
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


async def as_csv(pages: AsyncIterator[Sequence[Mapping[str, Any]]], *, mark: bool) -> AsyncIterator[bytes]:
    """A head line and a line for each row; `mark` begins with the byte order mark."""
    yield ((BYTE_ORDER_MARK if mark else "") + lines([COLUMNS])).encode()
    async for rows in pages:
        yield lines([[row[name] for name in COLUMNS] for row in rows]).encode()


async def as_json(pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[bytes]:
    """One array of objects, an object a line."""
    before = b"[\n"
    async for rows in pages:
        yield before + b",\n".join(orjson.dumps({name: row[name] for name in COLUMNS}, default=str) for row in rows)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
