"""A session of the readers' pool serves one user after another, and none ever sees with another's eyes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from shared.database import Database
from shared.ids import new_id

ADA, EVE = new_id(), new_id()
_EYES = "SELECT current_setting('app.user_id'), current_setting('app.user_role')"


@pytest.fixture
async def database(postgres: EmbeddedPostgres | GivenPostgres) -> AsyncIterator[Database]:
    """With one session that reads."""
    opened = Database(postgres.admin_dsn, size=3)
    await opened.open()
    yield opened
    await opened.close()


async def eyes(database: Database, user_id: UUID, role: str = "") -> tuple[str, str]:
    async with database.reading(user_id, role) as connection:
        return tuple(await connection.fetchrow(_EYES))


async def test_users_and_their_roles_take_turns_on_one_session(database: Database) -> None:
    for user, role, seen in (
        (ADA, "", ""),
        (ADA, "", ""),
        (EVE, "", ""),
        (EVE, "admin", "admin"),
        (EVE, "", ""),
        (ADA, "'; SET app.user_id = 'service", ""),
        (ADA, "admin", "admin"),
    ):
        assert await eyes(database, user, role) == (str(user), seen)


async def test_a_second_read_of_the_same_user_says_so_only_once(database: Database) -> None:
    said: list[str] = []
    async with database.reading(ADA) as connection:
        connection.add_query_logger(lambda record: said.append(record.query))
    await eyes(database, ADA)
    await eyes(database, EVE)
    assert [query for query in said if query.startswith("SET")] == [
        f"SET app.user_id = '{EVE}'; SET app.user_role = ''"
    ]


async def test_who_gives_up_while_it_is_said_leaves_no_doubt(database: Database) -> None:
    for _ in range(20):
        await eyes(database, ADA)
        giving_up = asyncio.create_task(eyes(database, EVE))
        await asyncio.sleep(0)  # it is on its way
        giving_up.cancel()
        await asyncio.wait([giving_up])
        assert await eyes(database, ADA) == (str(ADA), "")


async def test_a_lost_session_is_told_anew(database: Database) -> None:
    async with database.reading(ADA) as connection:
        server = connection.get_server_pid()
    await database.pool.execute("SELECT pg_terminate_backend($1, 5000)", server)
    async with asyncio.timeout(30):
        while True:
            try:
                assert await eyes(database, ADA) == (str(ADA), "")
                return
            except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError):
                continue
