"""Cursor pagination: pages stay right while rows are added, and page 1,000 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from shared.http.problem import Problem

T = TypeVar("T")

_FORMAT = struct.Struct(">Bq16s")
_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Page(BaseModel, Generic[T]):
    """Some rows, and where the next ones begin."""

    items: list[T]
    next_cursor: str | None = Field(None, description="Send it as `cursor` to get the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page. It only names a place: what a reader may see is decided by the query."""

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """34 characters, opaque to clients; exact to the microsecond."""
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        packed = _FORMAT.pack(_VERSION, microseconds, self.id.bytes)
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Raises a 400 Problem when `text` is not what `encode` gave."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            version, microseconds, identity = _FORMAT.unpack(packed)
            cursor = cls(_EPOCH + timedelta(microseconds=microseconds), UUID(bytes=identity))
        except (ValueError, binascii.Error, struct.error, OverflowError):
            raise _malformed() from None
        if version != _VERSION or cursor.encode() != text:
            raise _malformed()
        return cursor


_NEWEST = Cursor(datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
_OLDEST = Cursor(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows, and after which one. Queries order by `(created_at, id)` descending and ask for `limit + 1`."""

    limit: int = 20
    after: Cursor | None = None

    @property
    def place(self) -> tuple[datetime, UUID]:
        """What `(created_at, id)` of the page's rows is smaller than. The first page has one, too, beyond every row: an
        index finds it as any other, which it would not with `$1 IS NULL OR`."""
        after = self.after or _NEWEST
        return after.created_at, after.id

    @property
    def place_upwards(self) -> tuple[datetime, UUID]:
        """What the rows' time and id are greater than, for a list whose oldest rows come first."""
        after = self.after or _OLDEST
        return after.created_at, after.id

    def page(self, rows: Sequence[Any], item: Callable[[Any], T] | None = None, *, by: str = "created_at") -> Page[T]:
        """The page of at most `limit + 1` rows that have `id` and the time they are ordered `by`; one too many means
        there is more."""
        kept = rows[: self.limit]
        more = len(rows) > self.limit
        last = kept[-1] if more else None
        cursor = None if last is None else Cursor(last[by], last["id"]).encode()
        return Page(items=[item(row) if item else row for row in kept], next_cursor=cursor)


def _page_request(
    limit: Annotated[int, Query(ge=1, le=100, description="Most items on the page.")] = 20,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
) -> PageRequest:
    return PageRequest(limit, None if cursor is None else Cursor.decode(cursor))


PageQuery = Annotated[PageRequest, Depends(_page_request)]


def _malformed() -> Problem:
    detail = "Send `cursor` exactly as `next_cursor` gave it, or leave it out to begin at the first page."
    return Problem(400, "malformed-cursor", "Malformed cursor", detail)
