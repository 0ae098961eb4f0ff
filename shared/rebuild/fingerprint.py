"""What rows in a shadow depend on besides the events: another fingerprint, other rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from shared.database import Connection
from shared.kit import Service
from shared.rebuild.catalog import describe
from shared.rebuild.cutoffs import Cutoffs
from shared.rebuild.shadow import family

# Names of shadows' indexes are made of the numbers of those that serve.
_NUMBERS = """
SELECT c.oid::bigint, indexrelid::bigint FROM pg_class c LEFT JOIN pg_index ON indrelid = c.oid
WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) ORDER BY 1, 2
"""


async def fingerprint(connection: Connection, service: Service, tables: Sequence[str]) -> str:
    """Of the code that makes rows, of the tables that they go to, and of from when on they are kept."""
    of_all = await family(connection, service.name, tables)
    cutoffs = (await Cutoffs.read(connection, None)).tables
    parts = [
        *(f"{name} {sha256(text).hexdigest()}" for name, text in _code(service)),
        *(
            f"{table} {line}"
            for table, lines in (await describe(connection, service.name, of_all)).items()
            for line in lines
        ),
        *(str(tuple(row)) for row in await connection.fetch(_NUMBERS, service.name, of_all)),
        *(f"{table} {cutoffs[table]}" for table in tables if table in cutoffs),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()


def _code(service: Service) -> Iterator[tuple[str, bytes]]:
    """Every file of the service, the kit and the contracts: what a projection calls may lie anywhere in them."""
    own = {".".join(module.__name__.split(".")[:2]) for module in (*service.projections, *service.trailing)}
    for name in sorted({"contracts", "shared", *own}):
        module = sys.modules.get(name)
        for folder in getattr(module, "__path__", ()):
            for file in sorted(Path(folder).rglob("*.py")):
                yield f"{name} {file.relative_to(folder)}", file.read_bytes()
