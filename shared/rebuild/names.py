"""How shadows are called, and how names stand in SQL."""

from __future__ import annotations

SUFFIX = "__rebuild"


def shadow_of(table: str) -> str:
    """The name of a table's shadow."""
    return table + SUFFIX


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL takes it."""
    return "'" + text.replace("'", "''") + "'"
