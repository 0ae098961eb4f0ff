"""What the server says of a statement: its time, and the plan it went by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.database import PoolConnection

_PARTITION = re.compile(r"_(?:\d{6}|default)$")


@dataclass(frozen=True, slots=True)
class Plan:
    """One execution of a statement on the server."""

    milliseconds: float  # planning and execution, without the way there and back
    tree: Mapping[str, Any]

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """All nodes that were executed, from the top."""
        waiting = [self.tree]
        while waiting:
            node = waiting.pop()
            if node.get("Actual Loops", 1):
                yield node
            waiting += reversed(node.get("Plans", []))

    def read_whole(self, least: int) -> set[str]:
        """Tables, or partitions of them, of at least so many rows that were read from end to end."""
        return {
            str(node["Relation Name"])
            for node in self.nodes()
            if node["Node Type"].endswith("Seq Scan")
            and (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] >= least
        }

    def steps(self) -> list[str]:
        """What it does, from the top, in words; partitions of a table are one."""
        found: dict[str, None] = {}
        for node in self.nodes():
            if step := _step(node):
                found[step] = None
        return list(found)


def _step(node: Mapping[str, Any]) -> str:
    """Empty for what only passes on."""
    kind = str(node["Node Type"])
    table = _PARTITION.sub("", str(node.get("Relation Name", "")))
    parted = table != node.get("Relation Name", "")
    if "Scan" not in kind:
        return kind if kind in ("Sort", "Incremental Sort", "Aggregate") else ""
    if kind in ("Subquery Scan", "Function Scan", "CTE Scan"):
        return ""
    index = node.get("Index Name", "")
    if kind == "Bitmap Index Scan":
        return (
            "" if _PARTITION.search(str(index)) or re.search(r"_\d{6}_", str(index)) else f"Bitmap Index Scan `{index}`"
        )
    if parted:
        return f"{kind} of `{table}`, by partition"
    return f"{kind} `{index}`" if index else f"{kind} of `{table}`"


class Explaining:
    """A connection that answers as it would, and notes the plan of every statement.

    Statements are prepared, as a service's are, so that the server chooses between a plan for these values and one for
    any as it does there.
    """

    def __init__(self, connection: PoolConnection, prepared: dict[str, str]) -> None:
        """`prepared`: statement → its name, of this session."""
        self._connection = connection
        self._prepared = prepared
        self.plans: list[Plan] = []

    async def fetch(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetchval(sql, *values)

    async def _explain(self, sql: str, values: tuple[Any, ...]) -> None:
        name = self._prepared.get(sql)
        if name is None:
            name = self._prepared[sql] = f"bench_{len(self._prepared)}"
            await self._connection.execute(f"PREPARE {name} AS {sql}")
        given = f"({', '.join(map(_literal, values))})" if values else ""
        found = await self._connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE {name}{given}")
        plan = (orjson.loads(found) if isinstance(found, str) else found)[0]
        self.plans.append(Plan(plan["Planning Time"] + plan["Execution Time"], plan["Plan"]))


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
