"""Read tables filled anew: equal to the live ones, while those serve, and never at the cost of an event or a row."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from contracts.envelope import Mark, Wire
from contracts.events.generation import DraftCreated
from contracts.registry import UnknownEvent, UnreadableEvent
from services.workflow.domain.commands import CleanCheckpoints
from shared.database import Connection
from shared.eventstore import statements
from shared.eventstore.folding import Folding
from shared.http.client import ServiceClient
from shared.ids import new_id
from shared.parked import retry
from shared.projection import RowChange
from shared.rebuild import Rebuilt, Refused, rebuild, run
from shared.rebuild.comparing import Compared, Difference, look
from shared.rebuild.feed import Feed, over
from tests.memory_tables import after
from tests.rebuilding import assert_rebuild_equals_live, caught_up, looks_of, projecting, rows_of
from tests.story import Ground, ground, tell

REPOSITORY = Path(__file__).parents[2]
SERVICES = sorted(projecting())


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Ground]:
    """A story told to every service, each of which heard it in an order of its own."""
    async with ground() as on:
        await tell(on, random.Random(1), workflows=40)
        yield on


@pytest.fixture
async def owner(told: Ground) -> AsyncIterator[asyncpg.Connection]:
    """An administrator's connection."""
    connection = await asyncpg.connect(told.admin_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def feed(told: Ground) -> AsyncIterator[Feed]:
    """The feeds as the services serve them."""
    settings = told.kits["publishing"].settings
    async with ServiceClient(settings.urls(), settings.internal_token) as client:
        yield over(client)


@pytest.mark.parametrize("service", SERVICES)
async def test_rebuilt_rows_equal_live_rows(told: Ground, service: str) -> None:
    done = await assert_rebuild_equals_live(told.kits[service], told.admin_dsn)
    assert done.events > 0
    rows = await rows_of(told.admin_dsn, service, done.tables)
    assert [table for table in done.tables if not rows[table]] == [], "a table without rows proves nothing"


@pytest.fixture(scope="module")
async def recorded(told: Ground) -> dict[str, list[list[RowChange]]]:
    """By service, what each source's events change in its tables, in the source's order."""
    events = {source: await told.events(source) for source in told.kits}
    found = {}
    for name, kit in told.kits.items():
        sources = []
        for source in [name, *kit.sources]:
            states = Folding(kit.store, kit.projections.streams if source == name else ()).after(events[source])
            pairs = zip(events[source], states, strict=True)
            sources.append([change for event, state in pairs for change in kit.projections.changes(event, state)])
        found[name] = sources
    return found


@pytest.mark.parametrize("service", SERVICES)
@given(chance=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 10_000), max_size=20))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_do_not_depend_on_the_order_between_services(
    told: Ground,
    recorded: dict[str, list[list[RowChange]]],
    service: str,
    chance: random.Random,
    cuts: list[int],
) -> None:
    sources = recorded[service]
    keys = told.kits[service].database.primary_keys
    order = [number for number, changes in enumerate(sources) for _ in changes]
    chance.shuffle(order)
    turns = [iter(changes) for changes in sources]
    shuffled = [next(turns[number]) for number in order]
    assert after(shuffled, keys, cuts) == after([change for changes in sources for change in changes], keys, [])


async def test_reads_and_writes_go_on_meanwhile(told: Ground) -> None:
    stop = asyncio.Event()
    reads = 0

    async def live_on() -> int:
        rounds = 0
        while not stop.is_set() or not rounds:
            await tell(told, random.Random(100 + rounds), workflows=2)
            rounds += 1
        return rounds

    async def read() -> None:
        nonlocal reads
        pool = told.kits["workflow"].database
        rows = await pool.pool.fetch("SELECT id, user_id FROM workflows")
        while not stop.is_set():
            row = random.choice(rows)
            async with pool.reading(row["user_id"]) as connection:
                joined = "SELECT w.id FROM workflows w JOIN platform_states s ON s.workflow_id = w.id WHERE w.id = $1"
                assert await connection.fetch(joined, row["id"]), "a workflow was out of sight"
            reads += 1

    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(live_on())
        tasks.create_task(read())
        try:
            for _ in range(2):
                for kit in told.kits.values():
                    await rebuild(kit, told.admin_dsn)
        finally:
            stop.set()
    assert living.result() > 0
    assert reads > 0
    for kit in told.kits.values():
        await assert_rebuild_equals_live(kit, told.admin_dsn)


def by_table(done: Rebuilt) -> dict[str, Compared]:
    return {compared.table: compared for compared in done.compared}


async def test_rows_that_follow_at_a_distance_are_not_taken_for_lost(told: Ground, owner: asyncpg.Connection) -> None:
    kit = told.kits["workflow"]
    await caught_up(kit)
    lost = await owner.fetchval("SELECT thread_id FROM workflow.checkpoints ORDER BY 1 LIMIT 1")
    await tell(told, random.Random(4), workflows=3)
    assert await kit.trailing.behind()
    done = by_table(await rebuild(kit, told.admin_dsn))
    assert {table: compared for table, compared in done.items() if not compared.same} == {}

    await tell(told, random.Random(5), workflows=1)
    gone = await owner.execute("DELETE FROM workflow.checkpoints WHERE thread_id = $1", lost)
    done = by_table(await rebuild(kit, told.admin_dsn))
    assert f"DELETE {done['checkpoints'].lost}" == gone != "DELETE 0"
    assert done["checkpoint_writes"].lost > 0
    assert (done["checkpoints"].surplus, done["checkpoints"].changed, done["workflows"].same) == (0, 0, True)
    await assert_rebuild_equals_live(kit, told.admin_dsn)


async def test_what_happens_to_such_rows_while_others_are_compared_is_no_difference(
    told: Ground, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = told.kits["workflow"]
    await caught_up(kit)
    ended = await owner.fetchval(
        "SELECT thread_id FROM workflow.checkpoints WHERE metadata->>'event' = 'WorkflowCompleted'"
    )
    await owner.execute("UPDATE workflow.checkpoints SET metadata = '{}' WHERE thread_id = $1", ended)

    looks = 0

    async def meanwhile(connection: Connection, table: str, key: Sequence[str]) -> Difference:
        nonlocal looks
        found = await look(connection, table, key)
        looks += table == "checkpoints"
        if table == "checkpoints" and looks == 2:  # nothing is waited for any more
            assert found.keys
            await kit.handle(CleanCheckpoints(UUID(ended)), actor=None)
        return found

    monkeypatch.setattr(run, "look", meanwhile)
    done = by_table(await rebuild(kit, told.admin_dsn))
    assert done["checkpoints"].same
    assert await kit.trailing.behind()
    monkeypatch.undo()
    await assert_rebuild_equals_live(kit, told.admin_dsn)


async def test_such_tables_that_are_out_of_order_stand_in_nobodys_way(told: Ground, owner: asyncpg.Connection) -> None:
    kit = told.kits["workflow"]
    await caught_up(kit)
    await tell(told, random.Random(6), workflows=1)
    title = "UPDATE workflow.projects SET title = 'Spoilt' WHERE id = (SELECT id FROM workflow.projects LIMIT 1)"
    await owner.execute(f"ALTER TABLE workflow.checkpoints RENAME TO put_aside; {title}")
    try:
        done = await rebuild(kit, told.admin_dsn, ["projects"])
        assert (done.distant, by_table(done)["projects"].changed) == (True, 1)
    finally:
        await owner.execute("ALTER TABLE workflow.put_aside RENAME TO checkpoints")
    await assert_rebuild_equals_live(kit, told.admin_dsn)


async def written(on: Ground, title: str = "") -> DraftCreated:
    """A draft of nobody's that nobody has heard of yet."""
    ids = {"draft_id": new_id(), "workflow_id": new_id(), "user_id": new_id()}
    draft = DraftCreated(**ids, platform="x", iteration=1, title=title, content="!", source="ai", engine="offline")
    await on.play(draft, key=draft.draft_id)
    return draft


async def test_an_event_set_aside_is_applied_only_once_it_was_taken_up(
    told: Ground, owner: asyncpg.Connection, feed: Feed
) -> None:
    kit = told.kits["publishing"]
    await owner.execute("ALTER TABLE publishing.draft_texts ADD CONSTRAINT poison CHECK (title <> 'poison') NOT VALID")
    draft = await written(told, "poison")
    await told.hear("publishing", random.Random(2))
    assert await kit.database.pool.fetchval("SELECT count(*) FROM parked_events") == 1
    # Its row would not fit the table, so a rebuild that applied it would fail.
    await assert_rebuild_equals_live(kit, told.admin_dsn)

    taken_up = False

    async def while_it_is_taken_up(source: str, mark: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        nonlocal taken_up
        async for wire in feed(source, mark, types):
            yield wire
        if not taken_up:
            await owner.execute("ALTER TABLE publishing.draft_texts DROP CONSTRAINT poison")
            await owner.execute("ALTER TABLE publishing.draft_texts__rebuild DROP CONSTRAINT poison")
            assert (await retry("publishing", told.dsns["publishing"], draft.draft_id, patience=0)).streams == 1
            await kit.inbox.retry_parked()
            taken_up = True

    await rebuild(kit, told.admin_dsn, feed=while_it_is_taken_up)
    assert taken_up
    assert await kit.database.pool.fetchval("SELECT content FROM draft_texts WHERE draft_id = $1", draft.draft_id)
    await assert_rebuild_equals_live(kit, told.admin_dsn)


async def test_what_was_not_heard_yet_is_not_applied(told: Ground) -> None:
    kit = told.kits["publishing"]
    draft = await written(told)
    await assert_rebuild_equals_live(kit, told.admin_dsn)
    await told.hear("publishing", random.Random(3))
    assert await kit.database.pool.fetchval("SELECT content FROM draft_texts WHERE draft_id = $1", draft.draft_id)


class Paused:
    """A rebuild of publishing that stands still in the middle, until it is let go."""

    def __init__(self, on: Ground, feed: Feed) -> None:
        self._feed = feed
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(rebuild(on.kits["publishing"], on.admin_dsn, feed=self._pausing))

    async def _pausing(self, source: str, mark: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        self.reached.set()
        await self.go_on.wait()
        async for wire in self._feed(source, mark, types):
            yield wire

    async def __aenter__(self) -> Paused:
        async with asyncio.timeout(60):
            await self.reached.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_on.set()
        with suppress(asyncio.CancelledError):
            await self.task


async def test_a_second_rebuild_of_a_table_is_refused(told: Ground, feed: Feed) -> None:
    async with Paused(told, feed):
        with pytest.raises(Refused, match=r"publishing\.\w+ is being rebuilt already"):
            await rebuild(told.kits["publishing"], told.admin_dsn, ["draft_texts"])
        await rebuild(told.kits["generation"], told.admin_dsn)  # another service's are another matter


async def test_one_cancelled_before_it_wrote_anything_leaves_nothing_behind(told: Ground, feed: Feed) -> None:
    rows, looks = await rows_of(told.admin_dsn, "publishing"), await looks_of(told.admin_dsn, "publishing")
    async with Paused(told, feed) as paused:
        assert "draft_texts__rebuild" in await looks_of(told.admin_dsn, "publishing")
        paused.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await paused.task
    assert await rows_of(told.admin_dsn, "publishing") == rows
    assert await looks_of(told.admin_dsn, "publishing") == looks
    await assert_rebuild_equals_live(told.kits["publishing"], told.admin_dsn)


async def test_a_shadow_that_nobody_knows_of_is_no_obstacle(told: Ground, owner: asyncpg.Connection) -> None:
    await owner.execute("SET ROLE presswork_publishing_owner")
    await owner.execute("CREATE TABLE publishing.draft_texts__rebuild (something text)")
    rows = await rows_of(told.admin_dsn, "publishing", ["draft_texts"])
    await rebuild(told.kits["publishing"], told.admin_dsn)
    assert await rows_of(told.admin_dsn, "publishing", ["draft_texts"]) == rows
    assert await owner.fetchval("SELECT to_regclass('publishing.draft_texts__rebuild')") is None


@pytest.mark.parametrize("table", ["nonsense", "events", "parked_events"])
async def test_only_read_tables_can_be_rebuilt(told: Ground, table: str) -> None:
    with pytest.raises(Refused, match=f"no read table {table}; there are: .*platform_states, .*workflows"):
        await rebuild(told.kits["workflow"], told.admin_dsn, [table])


async def test_a_table_takes_those_tied_to_it_along(told: Ground) -> None:
    done = await assert_rebuild_equals_live(told.kits["workflow"], told.admin_dsn, ["platform_states"])
    assert done.tables == ("platform_states", "workflows")


async def test_rows_that_no_event_writes_are_left_alone(told: Ground, owner: asyncpg.Connection) -> None:
    await owner.execute("SET ROLE presswork_workflow_owner")
    await owner.execute("CREATE TABLE workflow.notes (id integer PRIMARY KEY); INSERT INTO workflow.notes VALUES (7)")
    try:
        with pytest.raises(Refused, match="notes holds rows that no event writes"):
            await rebuild(told.kits["workflow"], told.admin_dsn, ["notes"])
        assert (await rebuild(told.kits["workflow"], told.admin_dsn)).left == ("notes",)
        assert await owner.fetchval("SELECT id FROM workflow.notes") == 7
    finally:
        await owner.execute("DROP TABLE workflow.notes")


@pytest.mark.parametrize(
    ("event_type", "schema_version", "error"),
    [("FromTheFuture", 1, UnknownEvent), ("ProjectCreated", 99, UnreadableEvent)],
)
async def test_an_event_nobody_can_read_stops_it_and_loses_nothing(
    told: Ground, owner: asyncpg.Connection, event_type: str, schema_version: int, error: type[Exception]
) -> None:
    rows, looks = await rows_of(told.admin_dsn, "workflow"), await looks_of(told.admin_dsn, "workflow")
    await owner.execute(
        "INSERT INTO workflow.events (stream_type, stream_id, version, event_id, type, schema_version, data, "
        "correlation_id, recorded_at) VALUES ('x', $1, 1, $1, $2, $3, '{}', $1, now())",
        new_id(),
        event_type,
        schema_version,
    )
    try:
        with pytest.raises(error, match=event_type):
            await rebuild(told.kits["workflow"], told.admin_dsn)
        assert await rows_of(told.admin_dsn, "workflow") == rows
        assert await looks_of(told.admin_dsn, "workflow") == looks
    finally:
        await owner.execute("ALTER TABLE workflow.events DISABLE TRIGGER USER")
        await owner.execute("DELETE FROM workflow.events WHERE stream_type = 'x'")
        await owner.execute("ALTER TABLE workflow.events ENABLE TRIGGER USER")


async def test_a_source_that_does_not_answer_stops_it(told: Ground) -> None:
    kit = told.kits["publishing"]
    wrong = ServiceClient(kit.settings.urls(), "another token")
    async with wrong, asyncio.timeout(60):
        with pytest.raises(Refused, match=r"The feed of \w+ answered 403"):
            await rebuild(kit, told.admin_dsn, feed=over(wrong))
    away = ServiceClient(dict.fromkeys(kit.sources, "http://127.0.0.1:9"), "inside")
    async with away, asyncio.timeout(60):
        with pytest.raises(Refused, match=r"The events of \w+ are needed: The \w+ service cannot be"):
            await rebuild(kit, told.admin_dsn, feed=over(away))


async def test_a_feed_that_breaks_off_stops_it(told: Ground) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"hea\r\n')
        await writer.drain()
        writer.close()

    kit = told.kits["publishing"]
    rows = await rows_of(told.admin_dsn, "publishing")
    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with ServiceClient(dict.fromkeys(kit.sources, f"http://127.0.0.1:{port}"), "inside") as client:
            with pytest.raises(Refused, match=r"The feed of \w+ broke off"):
                await rebuild(kit, told.admin_dsn, feed=over(client))
    assert await rows_of(told.admin_dsn, "publishing") == rows


async def test_a_feed_is_taken_up_where_it_broke_off(told: Ground, feed: Feed) -> None:
    base = URL(told.kits["publishing"].settings.urls()["workflow"])
    asked: list[bytes] = []

    async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the service answers; the first time only its beginning."""
        request = await reader.readuntil(b"\r\n\r\n")
        asked.append(request.split(b"\r\n")[0])
        there, onwards = await asyncio.open_connection(base.host, base.port)
        request = request.replace(b"GET ", b"GET " + base.path.encode(), 1)
        onwards.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        writer.write(await there.readexactly(20_000) if len(asked) == 1 else await there.read(-1))
        await writer.drain()
        onwards.close()
        writer.close()

    wanted = [wire.mark async for wire in feed("workflow", Mark(0, 0), ())]
    async with await asyncio.start_server(cut_short, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with ServiceClient({"workflow": f"http://127.0.0.1:{port}"}, "inside") as client:
            assert [wire.mark async for wire in over(client)("workflow", Mark(0, 0), ())] == wanted
    assert len(asked) == 2
    assert b"position=0" in asked[0]
    assert b"position=0" not in asked[1]


async def test_a_page_of_events_is_read_without_sorting_what_is_left(told: Ground, owner: asyncpg.Connection) -> None:
    await owner.execute("SET search_path TO workflow; SET enable_seqscan = off; ANALYZE events")
    for sql, arguments in (
        (statements.IN_COMMIT_ORDER, ("0", 0, 10)),
        (statements.ANY_AFTER, ("0", 0)),
        (statements.OF_INTEREST, ("0", 0, ["ProjectCreated"], 10)),
        (statements.OF_INTEREST_UNGATED, ("0", 0, ["ProjectCreated"], 10)),
    ):
        plan = "\n".join(row[0] for row in await owner.fetch("EXPLAIN " + sql, *arguments))
        assert "events_from_1_transaction_id_position_idx" in plan, plan
        assert "Sort  (cost" not in plan, plan  # a Merge Append has a sort key, and sorts nothing


def command(on: Ground, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The tool as `make rebuild` runs it."""
    settings: Any = on.kits["workflow"].settings
    env = {f"PRESSWORK_{name.upper()}_DATABASE_URL": dsn for name, dsn in on.dsns.items()}
    env |= {f"PRESSWORK_{name.upper()}_URL": url for name, url in settings.urls().items()}
    env |= {
        "PRESSWORK_POSTGRES_URL": on.admin_dsn,
        "PRESSWORK_INTERNAL_TOKEN": settings.internal_token,
        "PRESSWORK_FIELD_KEYS": settings.field_keys,
    }
    run = [sys.executable, "-m", "shared.rebuild", *arguments]
    return subprocess.run(run, cwd=REPOSITORY, env=os.environ | env, capture_output=True, text=True, timeout=120)


async def test_the_command_line_tells_what_was_done(told: Ground) -> None:
    for kit in told.kits.values():
        await caught_up(kit)
    rows = {service: await rows_of(told.admin_dsn, service) for service in SERVICES}
    done = await asyncio.to_thread(command, told)
    assert done.returncode == 0, done.stderr
    for service in SERVICES:
        assert f"{service}: " in done.stdout
        assert await rows_of(told.admin_dsn, service) == rows[service]


async def test_the_command_line_says_what_is_wrong(told: Ground) -> None:
    no_table = await asyncio.to_thread(command, told, "media", "movies")
    assert no_table.returncode == 1
    assert no_table.stderr.startswith("media was not rebuilt: media has no read table movies; there are: files, ")
    no_service = await asyncio.to_thread(command, told, "kitchen")
    assert no_service.returncode == 1
    assert "no service 'kitchen'; there are: auth, evaluation," in no_service.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("workflow", "projects", "--as-of", "tomorrow"), "'tomorrow' is no time; write it as 2026-01-01T00:00Z."),
        (("workflow", "--as-of", "2026-01-01T00:00"), "names no time zone; write 2026-01-01T00:00Z for UTC."),
        (
            ("workflow", "projects", "--as-of", "2999-01-01T00:00Z"),
            "workflow was not copied: 2999-01-01T00:00:00+00:00",
        ),
        (("workflow", "--drop", "projects"), "workflow has no copy projects; there are: none."),
        (("--drop", "projects"), "say whose: make copies SERVICE=... DROP=..."),
    ],
)
async def test_the_command_line_refuses_what_makes_no_sense(
    told: Ground, arguments: tuple[str, ...], said: str
) -> None:
    done = await asyncio.to_thread(command, told, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""


async def test_the_command_line_makes_lists_and_drops_a_copy(told: Ground) -> None:
    at = "2026-01-01T00:00Z"
    done = await asyncio.to_thread(command, told, "workflow", "projects", "--as-of", at)
    assert done.returncode == 0, done.stderr
    assert "workflow: filling" in done.stdout, "without a terminal it says in plain lines where it is"
    assert "workflow.projects_as_of_20260101t000000z: 0 rows" in done.stdout
    listed = await asyncio.to_thread(command, told, "--copies")
    assert "projects as it stood at 2026-01-01T00:00:00+00:00" in listed.stdout
    dropped = await asyncio.to_thread(command, told, "workflow", "--drop", "projects_as_of_20260101T000000Z")
    assert dropped.returncode == 0, dropped.stderr
    assert (await asyncio.to_thread(command, told, "workflow", "--copies")).stdout == "there are no copies\n"
