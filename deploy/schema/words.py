"""Types, names and defaults in one spelling, wherever they were written."""

from __future__ import annotations

import re

_TYPES = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "float": "double precision",
    "character varying": "varchar",
    "decimal": "numeric",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
_PRECISION = re.compile(r"^(?P<name>[a-z_ .0-9]+?)\s*(?P<rest>\(.*\))?(?P<list>\[\])?$")
_CAST = re.compile(r"::[a-z_ .]+(\([\d, ]+\))?")


def type_name(written: str) -> str:
    """`VARCHAR(50)` → `varchar(50)`, `timestamp with time zone` → `timestamptz`, `auth.user_role` → `user_role`."""
    found = _PRECISION.match(written.strip("` ").lower())
    if found is None:
        return written.strip("` ").lower()
    name = found["name"].rpartition(".")[2]
    rest = (found["rest"] or "").replace(" ", "")
    return _TYPES.get(name, name) + rest + (found["list"] or "")


def default(written: str | None) -> str | None:
    """`'{}'::jsonb` → `{}`, `NOW()` → `now()`, `TRUE` → `true`; None for no default, also for a written NULL."""
    if written is None:
        return None
    text = _CAST.sub("", written.strip()).strip("` ")
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    text = text.lower()
    if text == "null":
        return None
    return "now()" if text in ("now", "now()", "current_timestamp", "current_timestamp()") else text


def table_name(written: str) -> str:
    """A heading's table: `1. **profiles**` → `profiles`; of an entity, `PlatformState`, its plural."""
    name = re.sub(r"^\d+\.\s*|[`*\s]", "", written)
    if not name[:1].isupper():
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + "s"


def enum_name(written: str) -> str:
    """`TaskStatus` or `Task status` → `task_status`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\s+", "_", written.strip()).lower()


def columns(written: str) -> tuple[str, ...]:
    """`(user_id, created_at DESC)` → `("user_id", "created_at DESC")`."""
    parts = (part.strip(" `()") for part in written.split(","))
    return tuple(re.sub(r"\s+(desc|asc)$", lambda word: _order(word[1]), part, flags=re.I) for part in parts)


def _order(word: str) -> str:
    return " DESC" if word.upper() == "DESC" else ""
