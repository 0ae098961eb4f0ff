"""Tasks of one kind in lanes: each lane has room of its own, kept to, and given at once when it is free."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.fernet import Fernet

from contracts import registry
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit, Service
from shared.reactions import LaneLimit, LeasedTask, RetryLater, Task, work
from shared.settings import ServiceSettings
from shared.telemetry import tracing
from shared.telemetry.tracefiles import find_story
from tests.databases import migrated
from tests.integration.desk import until

CONCURRENCY = 4


@dataclass
class Floor:
    """Where tasks are worked at, as long as the door is shut."""

    door: asyncio.Event = field(default_factory=asyncio.Event)
    working: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    put_off: list[RetryLater] = field(default_factory=list)

    async def work(self, task: LeasedTask) -> None:
        if self.put_off:
            raise self.put_off.pop()
        self.working[task.lane] += 1
        self.most[task.lane] = max(self.most[task.lane], self.working[task.lane])
        await self.door.wait()
        self.working[task.lane] -= 1
        self.done[task.lane] += 1


@pytest.fixture(scope="module")
async def dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with migrated(tmp_path_factory.mktemp("lanes"), "media") as (_, dsns):
        yield dsns["media"]


@asynccontextmanager
async def working(dsn: str, floor: Floor, lane_limit: LaneLimit) -> AsyncIterator[Kit]:
    """A service whose only worker is the floor's."""

    @work("carry", lease=30, concurrency=CONCURRENCY, lane_limit=lane_limit)
    async def carry(task: LeasedTask, kit: Kit) -> Sequence[Any]:
        await floor.work(task)
        return []

    module = ModuleType("reactions")
    module.carry = carry  # type: ignore[attr-defined]
    settings = ServiceSettings(database_url=dsn, field_keys=Fernet.generate_key().decode())
    kit = Kit(Service("media", ServiceSettings, registry, [], [], [module], []), settings)
    await kit.database.open()
    running = asyncio.create_task(kit.workers.run())
    try:
        await until(lambda: true(kit.workers.lease_for("carry", "free", Counter()) > 0))
        yield kit
    finally:
        floor.door.set()
        await until(lambda: empty(kit))
        running.cancel()
        await asyncio.wait([running])
        await kit.database.close()


async def ask_for(kit: Kit, *lanes: str) -> int:
    """Write a task for each lane in one transaction; how many were born leased."""
    unit = kit.unit()
    cause = Cause(new_id(), traceparent=tracing.current_traceparent())
    await unit.follow([Task(new_id(), "carry", lane=lane) for lane in lanes], cause)
    await unit.commit()
    kit.made(unit)
    return len(unit.leased)


async def true(condition: bool) -> bool | None:
    return condition or None


async def empty(kit: Kit) -> bool | None:
    return not await kit.database.pool.fetchval("SELECT count(*) FROM tasks") or None


async def test_a_long_queue_keeps_to_its_lane_and_starves_no_other(dsn: str) -> None:
    floor = Floor()
    async with working(dsn, floor, {"narrow": 2, "wide": 3}) as kit:
        await ask_for(kit, *["narrow"] * 40)
        await until(lambda: true(floor.working["narrow"] == 2))
        await ask_for(kit, *["wide"] * 5, "open")
        await until(lambda: true((floor.working["narrow"], floor.working["wide"]) == (2, 3)))
        floor.door.set()
        await until(lambda: true(floor.done == Counter(narrow=40, wide=5, open=1)))
    assert (floor.most["narrow"], floor.most["wide"]) == (2, 3)


async def test_a_task_for_a_lane_with_room_is_born_leased_and_others_are_not(dsn: str) -> None:
    floor = Floor()
    async with working(dsn, floor, {"narrow": 2}) as kit:
        assert await ask_for(kit, "narrow") == 1
        assert await ask_for(kit, "narrow", "narrow", "narrow") == 1
        await until(lambda: true(floor.working["narrow"] == 2))
        assert await ask_for(kit, "narrow") == 0
        leased = await kit.database.pool.fetchval("SELECT count(*) FROM tasks WHERE lease_token IS NOT NULL")
        assert leased == 2
        floor.door.set()
        await until(lambda: true(floor.done["narrow"] == 5))
    assert floor.most["narrow"] == 2


async def test_transactions_that_promise_the_same_room_do_not_overfill_a_lane(dsn: str) -> None:
    floor = Floor()
    async with working(dsn, floor, {"narrow": 2}) as kit:
        await asyncio.gather(*(ask_for(kit, "narrow", "narrow") for _ in range(6)))
        await until(lambda: true(floor.working["narrow"] == 2))
        floor.door.set()
        await until(lambda: true(floor.done["narrow"] == 12))
    assert floor.most["narrow"] == 2


async def test_the_settings_may_say_how_wide_a_lane_is(dsn: str) -> None:
    floor = Floor()
    async with working(dsn, floor, lambda settings: {"narrow": settings.database_pool // 8}) as kit:
        await ask_for(kit, *["narrow"] * 5)
        await until(lambda: true(floor.working["narrow"] == 1))
        floor.door.set()
        await until(lambda: true(floor.done["narrow"] == 5))
    assert floor.most["narrow"] == 1


async def test_other_lanes_share_what_the_kind_may_do_at_a_time(dsn: str) -> None:
    floor = Floor()
    async with working(dsn, floor, {"narrow": 1}) as kit:
        await ask_for(kit, *["open"] * 10)
        await until(lambda: true(floor.working["open"] == CONCURRENCY))
        floor.door.set()
        await until(lambda: true(floor.done["open"] == 10))
    assert floor.most["open"] == CONCURRENCY


async def test_work_whose_turn_has_not_come_is_no_failure_in_the_trace(dsn: str, tmp_path: Path) -> None:
    tracing.setup_tracing("media", traces_dir=tmp_path, otlp_endpoint=None)
    try:
        floor = Floor(put_off=[RetryLater(0.01, "the printer is out"), RetryLater(0.01, "too early", counts=False)])
        async with working(dsn, floor, {}) as kit:
            with tracing.span("ask") as asked:
                await ask_for(kit, "free")
            floor.door.set()
            await until(lambda: true(floor.done["free"] == 1))
    finally:
        tracing.shutdown()
    found = find_story(format(asked.get_span_context().trace_id, "032x"), tmp_path).spans
    work = sorted((span for span in found if span.name == "work carry"), key=lambda span: span.start_ns)
    assert [span.error for span in work] == ["", "RetryLater: the printer is out", ""]
    assert work[0].attributes["presswork.task.put_off"] == "too early"
