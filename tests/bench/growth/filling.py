"""Many workflows made of a few: what real ones left in the tables, copied in with ids and times of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from services.workflow.app import service
from shared.ids import derive, new_id
from tests.bench.work.append import append
from tests.bench.work.kits import kit
from tests.bench.work.story import EVENTS, PLATFORMS, Story

USERS = 500
TOGETHER = 1_000  # workflows a transaction
LANES = 2
_PLACES = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00")
_TABLES = {
    "events": (
        "stream_type, stream_id, version, event_id, type, schema_version, data, private, correlation_id, causation_id, "
        "actor, traceparent, recorded_at",
        "stream_id = '{}' ORDER BY version",
    ),
    "workflows": ("*", "id = '{}'"),
    "platform_states": ("*", "workflow_id = '{}' ORDER BY platform"),
}
_COLUMNS = """
SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


@dataclass(frozen=True)
class Pattern:
    """Rows of one workflow as COPY's text, in pieces: between each two of them comes an id or a time."""

    columns: Sequence[str]
    pieces: Sequence[bytes]
    between: Sequence[bytes]  # as they were

    def rows(self, ids: dict[bytes, bytes], at: bytes) -> bytes:
        """The rows with other ids, and all times at one."""
        parts = [self.pieces[0]]
        for was, piece in zip(self.between, self.pieces[1:], strict=True):
            parts.append(at if len(was) < 36 else ids[was])
            parts.append(piece)
        return b"".join(parts)


@dataclass(frozen=True)
class Template:
    """One real workflow's rows, by table."""

    user: bytes
    workflow: bytes
    states: dict[bytes, str]  # id of the row → platform
    patterns: dict[str, Pattern]
    ids: frozenset[bytes]

    @classmethod
    async def make(cls, database_url: str, admin_dsn: str) -> Template:
        """Let a workflow happen in an empty store, and read what it left."""
        opened = kit(service, database_url)
        await opened.database.open()
        story = Story(new_id())
        try:
            await append(opened, [story])
        finally:
            await opened.database.close()
        connection = await _connect(admin_dsn)
        try:
            patterns = {name: await _pattern(connection, name, story.workflow_id) for name in _TABLES}
        finally:
            await connection.close()
        states = {str(derive("platform_state", story.workflow_id, name)).encode(): name for name in PLATFORMS}
        ids = frozenset(was for pattern in patterns.values() for was in pattern.between if len(was) == 36)
        return cls(str(story.user_id).encode(), str(story.workflow_id).encode(), states, patterns, ids)

    def another(self, user: UUID, at: datetime) -> dict[str, bytes]:
        """The rows of one more workflow, by table."""
        workflow = new_id()
        ids = {was: str(new_id()).encode() for was in self.ids}
        ids |= {was: str(derive("platform_state", workflow, name)).encode() for was, name in self.states.items()}
        ids |= {self.user: str(user).encode(), self.workflow: str(workflow).encode()}
        moment = at.strftime("%Y-%m-%d %H:%M:%S.%f+00").encode()
        return {name: pattern.rows(ids, moment) for name, pattern in self.patterns.items()}


async def _connect(admin_dsn: str) -> asyncpg.Connection:
    settings = {"search_path": "workflow", "timezone": "UTC"}
    return await asyncpg.connect(admin_dsn, server_settings=settings, command_timeout=600)


async def _pattern(connection: asyncpg.Connection, table: str, workflow_id: UUID) -> Pattern:
    listed, where = _TABLES[table]
    columns = listed if listed != "*" else await connection.fetchval(_COLUMNS, table)
    text = bytearray()

    async def take(chunk: bytes) -> None:
        text.extend(chunk)

    await connection.copy_from_query(f"SELECT {columns} FROM {table} WHERE {where.format(workflow_id)}", output=take)
    rows = bytes(text)
    return Pattern(columns.split(", "), _PLACES.split(rows), _PLACES.findall(rows))


async def fill(admin_dsn: str, template: Template, since: int, until: int, told: Callable[[int], None]) -> None:
    """Workflows number `since` to `until` of a store whose first one is a year old and each next one a minute younger.

    By an administrator, for COPY asks no policies. `told` hears how many there are. asyncpg's errors come through: what
    was committed stays.
    """
    users = [derive("growth", number) for number in range(USERS)]
    first = datetime.now(UTC) - timedelta(days=365)
    turns = iter(range(since, until, TOGETHER))
    done = since

    async def lane() -> None:
        nonlocal done
        connection = await _connect(admin_dsn)
        try:
            for start in turns:
                rows: dict[str, list[bytes]] = {name: [] for name in _TABLES}
                for number in range(start, min(start + TOGETHER, until)):
                    one = template.another(users[number % USERS], first + timedelta(minutes=number))
                    for name, text in one.items():
                        rows[name].append(text)
                async with connection.transaction():
                    for name, texts in rows.items():
                        columns = template.patterns[name].columns
                        await connection.copy_to_table(name, source=_chunks(texts), columns=columns)
                done += len(rows["workflows"])
                told(done)
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())


async def _chunks(texts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for start in range(0, len(texts), 50):
        yield b"".join(texts[start : start + 50])


def workflows(events: int) -> int:
    """How many workflows make so many events."""
    return -(-events // EVENTS)
