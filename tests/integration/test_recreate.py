"""Any read table can be dropped, with all that hangs on it, and is had back: its make and its rows."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.recreate import recreate
from shared.rebuild import rebuild
from shared.rebuild.catalog import read_tables
from tests.rebuilding import caught_up, looks_of, projecting, rows_of
from tests.story import Ground, ground, tell

_WRITTEN = re.compile(
    r"::(?:text|character varying)(?:\[\])?|[()]|(?<=grants=)\{presswork_\w+_owner=\w+/presswork_\w+_owner\}"
)


def alike(looks: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without what PostgreSQL writes differently when it reads its own words again: casts, brackets, and rights that
    are the owner's alone."""
    return {name: sorted(_WRITTEN.sub("", line) for line in lines) for name, lines in looks.items()}


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Ground]:
    async with ground() as on:
        await tell(on, random.Random(1), workflows=12)
        yield on


@pytest.mark.parametrize("service", sorted(projecting()))
async def test_dropped_tables_are_had_back(told: Ground, service: str) -> None:
    kit = told.kits[service]
    await caught_up(kit)
    rows, looks = await rows_of(told.admin_dsn, service), await looks_of(told.admin_dsn, service)
    connection = await asyncpg.connect(told.admin_dsn)
    tables = await read_tables(connection, service)
    # Those that no event writes cannot be lost without loss; the rest is what a rebuild writes.
    written = list((await rebuild(kit, told.admin_dsn)).tables)
    assert set(written) <= set(tables)
    for table in (written, written[:1]):
        await connection.execute(f"DROP TABLE {', '.join(f'{service}.{name}' for name in table)} CASCADE")
        assert await recreate(told.admin_dsn, service) == sorted(table)
        await rebuild(kit, told.admin_dsn, table)
        assert await rows_of(told.admin_dsn, service) == rows
        before, now = alike(looks), alike(await looks_of(told.admin_dsn, service))
        assert {name: set(now[name]) ^ set(before[name]) for name in before if now[name] != before[name]} == {}
    assert await recreate(told.admin_dsn, service) == []
    left = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'presswork_recreate%'")
    assert left == 0
    await connection.close()
