"""Column types: values as binary COPY wants them, equal to what the JSON of a live write becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from shared.database import Connection
from shared.eventstore.rows import dumps

Convert = Callable[[Any], Any]

_COLUMNS = """
SELECT relname AS table, attname AS column, format_type(atttypid, NULL) AS type
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND attnum > 0 AND NOT attisdropped
"""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = orjson.dumps(value, default=str).decode()
    return text[1:-1] if text.startswith('"') else text


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _day(value: Any) -> date:
    return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)


def _list_of(convert: Convert) -> Convert:
    def convert_all(values: Any) -> list[Any]:
        return [None if value is None else convert(value) for value in values]

    return convert_all


_SCALARS: Mapping[str, Convert] = {
    "uuid": _uuid,
    "text": _text,
    "character varying": _text,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "double precision": float,
    "numeric": lambda value: Decimal(str(value)),
    "boolean": bool,
    "timestamp with time zone": _moment,
    "date": _day,
    "jsonb": lambda value: value,
    "bytea": bytes,
}
_ARRAYS: Mapping[str, Convert] = {
    f"{name}[]": _list_of(_SCALARS[name]) for name in ("uuid", "text", "character varying", "integer", "bigint")
}
CONVERT: Mapping[str, Convert] = {**_SCALARS, **_ARRAYS}

Types = Mapping[str, Mapping[str, str]]  # table → column → type


async def column_types(connection: Connection, schema: str, tables: Sequence[str]) -> Types:
    """The types of these tables' columns."""
    found: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(_COLUMNS, schema, list(tables)):
        found.setdefault(row["table"], {})[row["column"]] = row["type"]
    return found


def _jsonb(value: Any) -> bytes:
    return b"\x01" + dumps(value).encode()  # the version of the binary form, then the text


async def set_copy_codec(connection: Connection) -> None:
    """JSON in the binary form that COPY needs."""
    await connection.set_type_codec(
        "jsonb", encoder=_jsonb, decoder=lambda data: orjson.loads(data[1:]), schema="pg_catalog", format="binary"
    )


def converters(types: Mapping[str, str], columns: Sequence[str]) -> list[Convert] | None:
    """One a column, or None when one of them is of a type that only PostgreSQL's own input function reads alike."""
    found = [CONVERT.get(types[column]) for column in columns]
    return None if None in found else [each for each in found if each is not None]


def records(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], convert: Sequence[Convert]) -> list[list[Any]]:
    """Rows as COPY takes them."""
    pairs = list(zip(columns, convert, strict=True))
    return [[None if (value := row[name]) is None else to(value) for name, to in pairs] for row in rows]
