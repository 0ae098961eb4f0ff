"""Retention at generation's: old outputs are archived, stuck ones fail, and drafts stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.generation.domain.output import (
    CompleteOutput,
    EditOutput,
    FailOutput,
    RequestOutput,
    RetryOutput,
    StartOutput,
)
from shared.ids import new_id
from shared.kit import Kit
from shared.retention.months import Months
from shared.retention.run import Outcome, run
from tests.rebuilding import assert_rebuild_equals_live
from tests.story import Ground, ground

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_TASK = """
INSERT INTO tasks (id, kind, payload, leased_until, correlation_id)
VALUES ($1, 'write_output', jsonb_build_object('output_id', $2::uuid, 'attempt', 1), now() + $3::interval, $1)
"""


@pytest.fixture
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        yield found


@pytest.fixture
def kit(on: Ground) -> Kit:
    return on.kits["generation"]


async def after(kit: Kit, time: timedelta, *, dry: bool = False) -> dict[str, Outcome]:
    """What retention does so much later, by rule."""
    outcomes = await run(kit, dry=dry, now=datetime.now(UTC) + time)
    return {outcome.rule.name: outcome for outcome in outcomes}


async def asked(kit: Kit, user_id: UUID, *, ago: timedelta = timedelta()) -> UUID:
    """An output that is in hand."""
    output_id = new_id()
    wanted = RequestOutput(
        output_id, new_id(), user_id, "blog", "blog", datetime.now(UTC) - ago, {"topic": "heaps"}, text="Heaps."
    )
    await kit.handle(wanted, actor=user_id)
    await kit.handle(StartOutput(output_id, 1), actor=None)
    return output_id


async def rows(kit: Kit, table: str) -> dict[UUID, str]:
    return {row["id"]: row["status"] for row in await kit.database.pool.fetch(f"SELECT id, status FROM {table}")}


async def test_a_completed_output_goes_to_the_archive_when_nobody_edits_it(on: Ground, kit: Kit) -> None:
    user_id = new_id()
    old, edited, failed = [await asked(kit, user_id, ago=60 * DAY) for _ in range(3)]
    for output_id in (old, edited):
        await kit.handle(CompleteOutput(output_id, 1, "Heaps steam."), actor=None)
    await kit.handle(FailOutput(failed, 1, "Too long."), actor=None)
    assert (await after(kit, 29 * DAY))["completed_outputs"].removed == 0
    # 91 days after the request; it was edited, which is now, 31 days before.
    await kit.handle(EditOutput(edited, user_id, "They do."), actor=user_id)
    kept = (await after(kit, 31 * DAY, dry=True))["completed_outputs"]
    assert (kept.found.count, kept.found.note) == (0, "2 in use: they were edited since")
    done = (await after(kit, 91 * DAY))["completed_outputs"]
    assert done.removed == 2
    assert await rows(kit, "outputs") == {failed: "failed"}
    assert await rows(kit, "outputs_archive") == {old: "completed", edited: "completed"}
    assert (await after(kit, 91 * DAY))["completed_outputs"].found.count == 0
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_an_output_that_got_stuck_fails_with_a_reason(on: Ground, kit: Kit) -> None:
    user_id = new_id()
    stuck, again, in_hand = [await asked(kit, user_id) for _ in range(3)]
    await kit.handle(FailOutput(again, 1, "Too long."), actor=None)
    await kit.handle(RetryOutput(again, user_id), actor=user_id)
    await kit.handle(StartOutput(again, 2), actor=None)
    await kit.database.pool.execute(_TASK, new_id(), in_hand, DAY)
    assert (await after(kit, 0.9 * HOUR))["stuck_outputs"].found.count == 0
    done = (await after(kit, 1.1 * HOUR))["stuck_outputs"]
    assert (done.removed, done.found.note) == (2, "1 in use: a worker has them in hand")
    assert await rows(kit, "outputs") == {stuck: "failed", again: "failed", in_hand: "processing"}
    reason = await kit.database.pool.fetchval("SELECT metadata ->> 'error' FROM outputs WHERE id = $1", stuck)
    assert reason == "Writing it began and came to no end within the time that is given; try it again."
    # What was too slow changes nothing any more.
    await kit.handle(CompleteOutput(stuck, 1, "Late."), actor=None)
    assert (await rows(kit, "outputs"))[stuck] == "failed"
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_the_coming_months_have_their_parts(on: Ground, kit: Kit) -> None:
    await Months(kit.database, ["outputs"]).add("outputs")
    assert await kit.database.pool.fetchval("SELECT add_month_partitions('outputs', 5)") == 3
    await asked(kit, new_id(), ago=-100 * DAY)
    assert await kit.database.pool.fetchval("SELECT count(*) FROM outputs") == 1
    where = await kit.database.pool.fetchval("SELECT tableoid::regclass::text FROM outputs")
    assert where == f"outputs_{datetime.now(UTC) + 100 * DAY:%Y%m}"
    await assert_rebuild_equals_live(kit, on.admin_dsn)
