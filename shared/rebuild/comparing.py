"""The rebuilt rows beside the ones that serve: how many there are, and which of them differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.database import Connection
from shared.rebuild.names import quoted, shadow_of

MOST = 10_000  # differing rows that are looked at one by one

_COUNTS = "SELECT (SELECT count(*) FROM {table}) AS served, (SELECT count(*) FROM {shadow}) AS rebuilt"
# Whole rows as text: the two are of the same make, so equal rows read the same.
_DIFFERENT = """
SELECT jsonb_build_object({key})::text FROM {table} AS served FULL JOIN {shadow} AS rebuilt USING ({columns})
WHERE served::text IS DISTINCT FROM rebuilt::text LIMIT {most}
"""
_AGAIN = """
SELECT count(*) FILTER (WHERE served.{first} IS NULL AND rebuilt.{first} IS NOT NULL) AS lost,
       count(*) FILTER (WHERE served.{first} IS NOT NULL AND rebuilt.{first} IS NULL) AS surplus,
       count(*) FILTER (WHERE served.{first} IS NOT NULL AND rebuilt.{first} IS NOT NULL
                        AND served::text IS DISTINCT FROM rebuilt::text) AS changed
FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb) AS wanted
LEFT JOIN {table} AS served ON {same_served} LEFT JOIN {shadow} AS rebuilt ON {same_rebuilt}
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a rebuild changed in one table: rows it has now, and how many had been lost, were too many, or differed."""

    table: str
    rows: int
    lost: int = 0
    surplus: int = 0
    changed: int = 0
    at_least: bool = False  # there are more that differ than were looked at one by one

    @property
    def same(self) -> bool:
        return not (self.lost or self.surplus or self.changed)


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows that differed while both tables were written to: what is behind them is seen when nobody writes."""

    table: str
    served: int
    rebuilt: int
    keys: Sequence[str]


async def look(connection: Connection, table: str, key: Sequence[str]) -> Difference:
    """Count and compare all rows, as of one moment, while both tables are in use."""
    names = {"table": quoted(table), "shadow": quoted(shadow_of(table))}
    columns = ", ".join(quoted(name) for name in key)
    pairs = ", ".join(f"'{name}', {quoted(name)}" for name in key)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counts = await connection.fetchrow(_COUNTS.format(**names))
        sql = _DIFFERENT.format(**names, key=pairs, columns=columns, most=MOST)
        keys = [row[0] for row in await connection.fetch(sql)]
    return Difference(table, counts["served"], counts["rebuilt"], keys)


async def conclude(
    connection: Connection, found: Sequence[Difference], keys: Mapping[str, Sequence[str]]
) -> list[Compared]:
    """Look again at those rows only; by whoever keeps writers out, after the last event."""
    compared = []
    for difference in found:
        table, key = difference.table, keys[difference.table]
        names = {"table": quoted(table), "shadow": quoted(shadow_of(table)), "first": quoted(key[0])}
        same = {
            f"same_{name}": " AND ".join(f"{name}.{quoted(each)} = wanted.{quoted(each)}" for each in key)
            for name in ("served", "rebuilt")
        }
        row = await connection.fetchrow(_AGAIN.format(**names, **same), f"[{','.join(difference.keys)}]")
        more = len(difference.keys) >= MOST
        rows = difference.rebuilt
        compared.append(Compared(table, rows, row["lost"], row["surplus"], row["changed"], more))
    return compared
