"""No documented read goes through a large table from end to end, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from shared.database import Database
from tests.bench.queries import filling
from tests.bench.queries.measuring import Measured, measured
from tests.bench.queries.plans import Explaining
from tests.bench.queries.reads import READS
from tests.databases import migrated

ROWS = 50_000
LARGE = 2_000  # half of a partition
TIMES = 12  # more than the five after which the server may take one plan for all values


@dataclass
class Filled:
    """A server whose tables are large enough for the planner to mind."""

    admin_dsn: str
    dsns: dict[str, str]
    found: dict[str, Measured]


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filled]:
    folder = tmp_path_factory.mktemp("plans")
    async with migrated(folder, *filling.SERVICES, shared_buffers="256MB") as (postgres, dsns):
        await filling.fill(postgres.admin_dsn, ROWS)
        found = {each.read.what: each async for each in measured(postgres.admin_dsn, dsns, ROWS, TIMES)}
        yield Filled(postgres.admin_dsn, dsns, found)


@pytest.mark.parametrize("what", [read.what for read in READS])
async def test_a_documented_read_takes_an_index(filled: Filled, what: str) -> None:
    assert filled.found[what].read_whole(LARGE) == set(), filled.found[what].steps()


async def test_what_no_index_answers_is_noticed(filled: Filled) -> None:
    database = Database(filled.dsns["workflow"])
    await database.open()
    try:
        sample = (await filling.samples(filled.admin_dsn, 1, ROWS))[0]
        async with database.reading(sample.user_id) as connection:
            explaining = Explaining(connection, {})
            await explaining.fetch("SELECT id FROM projects WHERE title = $1", "Project 7")
        assert explaining.plans[0].read_whole(LARGE) == {"projects"}
    finally:
        await database.close()
