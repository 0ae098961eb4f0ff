"""Updates of one table as one statement, whatever columns each row changes.

A statement for each set of columns would be several a transaction, and another combination of them in the next one, to
be planned anew. So each row says by bits which columns it changes, and the others keep what they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from shared.eventstore.rows import Batch, Columns, dumps, matching
from shared.eventstore.statements import ROWS_PATCH
from shared.eventstore.together import Part
from shared.projection import Row

_MOST = 62  # columns, a bit each in a bigint
_Entry = tuple[str, bool]  # a column, and whether it is added to


class Patches:
    """Knows the columns that updates of a service's tables have had so far, so that their statements become few."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, Columns], dict[_Entry, int]] = {}

    def parts(self, found: Sequence[Batch]) -> list[Part]:
        """All of these rows as parts of one statement: a part for each table's updates, and one for each other batch.

        No row may be in two batches.
        """
        others, updates = [], dict[tuple[str, Columns], list[Batch]]()
        for batch in found:
            if batch.verb == "update" and self._known(batch):
                updates.setdefault((batch.table, batch.key), []).append(batch)
            else:
                others.append(batch)
        parts = [Part(f"row{n}", batch.sql(), [dumps(batch.rows)]) for n, batch in enumerate(others)]
        return parts + [self._patch(f"patch{n}", *place, all_of) for n, (place, all_of) in enumerate(updates.items())]

    def _known(self, batch: Batch) -> bool:
        """Learn the columns; whether they all have a bit."""
        bits = self._entries.setdefault((batch.table, batch.key), {})
        for entry in _entries(batch):
            if entry not in bits:
                if len(bits) == _MOST:
                    return False
                bits[entry] = 1 << len(bits)
        return True

    def _patch(self, name: str, table: str, key: Columns, found: Sequence[Batch]) -> Part:
        bits = self._entries[table, key]
        rows: list[Row] = []
        given: list[int] = []
        for batch in found:
            rows += batch.rows
            given += [sum(bits[entry] for entry in _entries(batch))] * len(batch.rows)
        return Part(name, _patch_sql(table, key, tuple(bits)), [dumps(rows), given])


def _entries(batch: Batch) -> list[_Entry]:
    return [(column, False) for column in batch.columns] + [(column, True) for column in batch.counted]


@lru_cache(maxsize=1024)
def _patch_sql(table: str, key: Columns, entries: tuple[_Entry, ...]) -> str:
    cases: dict[str, str] = {}
    for place, (column, counted) in enumerate(entries):
        value = f"old.{column} + new.{column}" if counted else f"new.{column}"
        cases[column] = cases.get(column, "") + f" WHEN new.unnest & {1 << place} <> 0 THEN {value}"
    assignments = ", ".join(f"{column} = CASE{case} ELSE old.{column} END" for column, case in cases.items())
    return ROWS_PATCH.format(table=table, assignments=assignments, matching=matching(key), first=key[0])
