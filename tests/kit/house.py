"""Till and ledger in schemas of their own on a real database and broker, as processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from cryptography.fernet import Fernet

from deploy.embedded.given import GivenPostgres
from deploy.embedded.ports import free_port
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.process import Child
from shared.database import UNAVAILABLE
from tests.kit import ledger, till
from tests.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]
_KIT = (REPOSITORY / "migrations" / "kit" / "0001.sql").read_text()
_SCHEMA = """
CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}';
ALTER ROLE {name} SET search_path = {name};
CREATE SCHEMA {name};
SET search_path = {name};
{tables}
GRANT USAGE ON SCHEMA {name} TO {name};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {name};
REVOKE UPDATE, DELETE, TRUNCATE ON {name}.events FROM {name};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {name} TO {name};
"""
_SLOW = """
CREATE FUNCTION {name}.linger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(random() * {seconds}); RETURN NULL; END $$;
CREATE TRIGGER linger AFTER INSERT ON {name}.events FOR EACH STATEMENT EXECUTE FUNCTION {name}.linger();
"""

_UNPUBLISHED = """
SELECT count(*) FROM events, relay_cursor AS cursor
WHERE (events.transaction_id, events.position) > (cursor.transaction_id::text::xid8, cursor.position)
"""


@dataclass
class Room:
    """One service: its schema, and its processes so far."""

    service: str  # till or ledger
    name: str  # of its schema, role and topic
    admin_dsn: str
    dsn: str
    port: int
    connection: asyncpg.Connection | None = None

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows, as the administrator sees them; over a restart of the server too."""
        while True:
            try:
                if self.connection is None or self.connection.is_closed():
                    settings = {"search_path": self.name}
                    self.connection = await asyncpg.connect(self.admin_dsn, server_settings=settings)
                rows: list[asyncpg.Record] = await self.connection.fetch(sql, *arguments)
            except UNAVAILABLE:
                self.connection = None
                await asyncio.sleep(0.05)
            else:
                return rows

    async def value(self, sql: str, *arguments: Any) -> Any:
        return (await self.fetch(sql, *arguments))[0][0]

    async def linger(self, seconds: float) -> None:
        """Let each transaction that appends wait, up to so long, between taking positions and committing."""
        for statement in _SLOW.format(name=self.name, seconds=seconds).split("\n\n"):
            await self.fetch_script(statement)

    async def fetch_script(self, sql: str) -> None:
        """Run statements without arguments."""
        await self.value("SELECT 1")
        assert self.connection is not None
        await self.connection.execute(sql)


@dataclass
class Process:
    """One running service process."""

    child: Child
    port: int

    @property
    def pid(self) -> int:
        assert self.child.pid is not None
        return self.child.pid

    async def kill(self) -> None:
        """SIGKILL."""
        await asyncio.to_thread(self.child.kill)

    async def stop(self) -> bool:
        """SIGTERM; true when it ended by itself."""
        return await asyncio.to_thread(self.child.stop, 15.0)


@dataclass
class House:
    """Where tests live. `start` makes processes; all are gone at the end."""

    till: Room
    ledger: Room
    environment: dict[str, str]
    folder: Path
    http: aiohttp.ClientSession
    processes: list[Process] = field(default_factory=list)

    async def start(self, service: str, role: str = "all", **environment: str) -> Process:
        """Start a process and wait until it serves."""
        room: Room = getattr(self, service)
        port = room.port if role in ("all", "http") else free_port()
        name = f"{service}-{role}-{len(self.processes)}"
        child = Child(
            name,
            [sys.executable, "-m", "tests.kit", service, "--role", role],
            log=self.folder / f"{name}.log",
            cwd=REPOSITORY,
            env={
                **os.environ,
                **self.environment,
                "PRESSWORK_DATABASE_URL": room.dsn,
                "PRESSWORK_PORT": str(port),
                **environment,
            },
        )
        child.start()
        process = Process(child, port)
        self.processes.append(process)
        await self._serves(process)
        return process

    async def _serves(self, process: Process) -> None:
        async def answers() -> bool:
            assert process.child.running, process.child.log_tail()
            with suppress(aiohttp.ClientError):
                async with self.http.get(f"http://127.0.0.1:{process.port}/livez") as answer:
                    return answer.status == 200
            return False

        await eventually(answers, within=60)

    async def subscribed(self, process: Process) -> None:
        """Wait until a consumer has partitions."""

        async def ready() -> bool:
            async with self.http.get(f"http://127.0.0.1:{process.port}/readyz") as answer:
                return answer.status == 200

        await eventually(ready, within=60)

    async def pay(self, customer_id: UUID, **payment: Any) -> None:
        """Pay at the till, again until it answers: what arrives is compared with what the till has, not with this."""
        body = {"customer_id": str(customer_id), **payment}
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(f"http://127.0.0.1:{self.till.port}/payments", json=body) as answer:
                    if answer.status == 201:
                        return
                    assert answer.status in (503, 504), await answer.text()
            await asyncio.sleep(0.05)

    async def post(self, customer_id: UUID, number: int, **receipt: Any) -> None:
        """Post to the ledger by hand."""
        body = {"customer_id": str(customer_id), "number": number, "receipt": receipt}
        async with self.http.post(f"http://127.0.0.1:{self.ledger.port}/postings", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def paid(self) -> dict[UUID, list[int]]:
        """What the till has: payments by customer."""
        return await _numbers(self.till, "Paid")

    async def posted(self) -> dict[UUID, list[int]]:
        """What the ledger made of it, in the order in which it did."""
        return await _numbers(self.ledger, "Posted")

    async def everything_arrived_once(self) -> bool:
        """Every payment was posted and counted once, each customer's in order. Raises AssertionError."""
        paid, posted = await self.paid(), await self.posted()
        lost = {key: sorted({*numbers} - {*posted.get(key, [])}) for key, numbers in paid.items()}
        lost = {key: numbers for key, numbers in lost.items() if numbers}
        assert not lost, f"lost (or not there yet): {sum(map(len, lost.values()))}, such as {list(lost.items())[:2]}"
        wrong = {key: numbers for key, numbers in posted.items() if numbers != paid.get(key)}
        assert not wrong, f"twice or out of order: {list(wrong.items())[:2]}"
        totals = {row["customer_id"]: row["payments"] for row in await self.ledger.fetch("SELECT * FROM totals")}
        assert totals == {key: len(numbers) for key, numbers in paid.items()}
        assert await self.ledger.value("SELECT count(*) FROM entries") == sum(totals.values())
        return True

    async def till_is_published(self) -> bool:
        """Whether the relay's cursor is behind the last event."""
        return await self.till.value(_UNPUBLISHED) == 0

    async def till_knows_how_far_it_was_heard(self) -> bool:
        """Whether the ledger's last report says all that it has heard."""
        heard = await self.ledger.fetch("SELECT partitions, partition, transaction_id, position FROM heard")
        marks = await self.till.fetch("SELECT marks FROM subscribers")
        return bool(marks) and sorted(json.loads(marks[0]["marks"])) == sorted(list(row) for row in heard)

    async def arrival(self, within: float) -> None:
        """Wait until everything arrived, once and in order, and nothing is set aside."""
        await eventually(self.everything_arrived_once, within)
        assert await self.ledger.fetch("SELECT type, error FROM parked_events") == []


async def _numbers(room: Room, event_type: str) -> dict[UUID, list[int]]:
    found: dict[UUID, list[int]] = {}
    rows = await room.fetch(
        "SELECT stream_id, (data ->> 'number')::int AS number FROM events WHERE type = $1 ORDER BY stream_id, version",
        event_type,
    )
    for row in rows:
        found.setdefault(row["stream_id"], []).append(row["number"])
    return found


@asynccontextmanager
async def house(
    postgres: EmbeddedPostgres | GivenPostgres, kafka_url: str, folder: Path, **environment: str
) -> AsyncIterator[House]:
    """A house of its own name on these servers; `environment` is for all its processes."""
    name = secrets.token_hex(4)
    admin = await asyncpg.connect(postgres.admin_dsn)
    rooms = []
    for service, tables in (("till", till.TABLES), ("ledger", ledger.TABLES)):
        own, password = f"{service}{name}", secrets.token_hex(12)
        await admin.execute(_SCHEMA.format(name=own, password=password, tables=_KIT + tables))
        rooms.append(Room(service, own, postgres.admin_dsn, postgres.dsn(own, password), free_port()))
    await admin.close()
    common = {
        "PRESSWORK_KIT_NAME": name,
        "PRESSWORK_KAFKA_URL": kafka_url,
        "PRESSWORK_TILL_URL": f"http://127.0.0.1:{rooms[0].port}",
        "PRESSWORK_LEDGER_URL": f"http://127.0.0.1:{rooms[1].port}",
        "PRESSWORK_INTERNAL_TOKEN": secrets.token_hex(16),
        "PRESSWORK_FIELD_KEYS": Fernet.generate_key().decode(),
        "PRESSWORK_DATA_DIR": str(folder),
        "PRESSWORK_LOG_FORMAT": "console",
        "PRESSWORK_DATABASE_POOL": "16",
        "PRESSWORK_EVENT_BACKOFF": "0.1",
        "PRESSWORK_KAFKA_SESSION_MS": "6000",
        **environment,
    }
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http:
        found = House(rooms[0], rooms[1], common, folder, http)
        try:
            yield found
        finally:
            await asyncio.gather(*(process.kill() for process in found.processes))
            for room in rooms:
                await room.fetch_script(f"DROP SCHEMA {room.name} CASCADE; DROP OWNED BY {room.name}")
                await room.fetch_script(f"DROP ROLE {room.name}")
                if room.connection is not None:
                    await room.connection.close()


async def gather(*work: Any) -> Sequence[Any]:
    """All of it at once; the first failure ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]
