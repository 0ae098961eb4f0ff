"""Retention at workflow's: what has ended goes when it is old, what is in use stays, and no rebuild brings it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts.events.workflow import ExecutionLogsRemoved, Source
from services.workflow.domain.commands import Decision, NoteDraft, NoteVerdict, Publication, Review, StartWorkflow
from services.workflow.domain.execution import CompleteStep, Execution, FailStep, PlanExecution, StartStep, ValidateStep
from services.workflow.domain.log_retention import LOGS, RemoveLogs, decider
from services.workflow.domain.run import FinishRun, StartRun
from services.workflow.queries import files_in_use
from shared.ids import new_id
from shared.kit import Kit
from shared.rebuild import copy_as_of, rebuild
from shared.retention.months import Months
from shared.retention.run import Outcome, run
from tests.deciding import deciding
from tests.rebuilding import assert_rebuild_equals_live, caught_up, rows_of
from tests.story import Ground, ground
from tests.waiting import eventually

DAY = timedelta(days=1)
_LOGS = "SELECT count(*) FROM execution_logs"
_PARTS = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'execution_logs'::regclass ORDER BY relname
"""
_TAKE = "SELECT pg_advisory_lock(hashtext('presswork.rebuild'), hashtext('workflow.execution_logs'))"


@pytest.fixture
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        yield found


@pytest.fixture
def kit(on: Ground) -> Kit:
    return on.kits["workflow"]


async def after(kit: Kit, days: float, *, dry: bool = False) -> dict[str, Outcome]:
    """What retention does so many days from now, by rule."""
    outcomes = await run(kit, dry=dry, now=datetime.now(UTC) + days * DAY)
    return {outcome.rule.name: outcome for outcome in outcomes}


async def reviewed(kit: Kit, action: str, file_id: UUID | None = None) -> UUID:
    """A workflow whose only platform was rejected, or accepted and scheduled, or which awaits its review."""
    user_id, workflow_id, draft_id = new_id(), new_id(), new_id()
    source = Source(title="Heaps", text="Steam.", sha256="0", characters=6, language="en", file_id=file_id)
    await kit.handle(StartWorkflow(workflow_id, user_id, source, ("x",)), actor=user_id)
    await kit.handle(NoteDraft(workflow_id, "x", draft_id, 1, "ai"), actor=None)
    await kit.handle(NoteVerdict(workflow_id, "x", draft_id, 1, 90, "Good."), actor=None)
    if action == "accept":
        later = Publication(new_id(), datetime.now(UTC) + 200 * DAY, "UTC")
        await kit.handle(Review(workflow_id, user_id, (Decision("x", "accept", publication=later),)), actor=user_id)
    elif action == "reject":
        await kit.handle(Review(workflow_id, user_id, (Decision("x", "reject"),)), actor=user_id)
    return workflow_id


async def executed(kit: Kit, status: str, file_id: UUID | None = None) -> UUID:
    """An execution that is completed, failed, or running."""
    execution_id, user_id = new_id(), new_id()
    plan = PlanExecution(execution_id, user_id, "text", "Heaps.", input_file_id=file_id, auto_correct=False)
    state: Execution = await kit.handle(plan, actor=user_id)
    await kit.handle(StartStep(execution_id, 1, 1), actor=None)
    if status == "failed":
        await kit.handle(FailStep(execution_id, 1, 1, "Too slow.", 9), actor=None)
    if status == "completed":
        for step in range(1, len(state.steps) + 1):
            await kit.handle(StartStep(execution_id, step, 1), actor=None)
            await kit.handle(CompleteStep(execution_id, step, 1, "x", 7), actor=None)
            await kit.handle(ValidateStep(execution_id, step, 1, True, 0.9), actor=None)
    return execution_id


async def statuses(kit: Kit) -> dict[UUID, str]:
    rows = await kit.database.pool.fetch("SELECT id, status FROM workflows UNION ALL SELECT id, status FROM executions")
    return {row["id"]: row["status"] for row in rows}


async def parts(kit: Kit) -> list[str]:
    return [row["relname"] for row in await kit.database.pool.fetch(_PARTS)]


def test_logs_go_up_to_a_moment_once() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    past = deciding(decider).when(RemoveLogs(at)).then_types(ExecutionLogsRemoved)
    past.when(RemoveLogs(at)).then_nothing()
    past.when(RemoveLogs(at - DAY)).then_nothing()
    past.when(RemoveLogs(at + DAY)).then_types(ExecutionLogsRemoved)
    assert decider.stream_id(RemoveLogs(at)) == LOGS


async def test_a_completed_workflow_is_archived_when_nobody_touched_it_for_long(on: Ground, kit: Kit) -> None:
    completed, scheduled, waiting = [await reviewed(kit, action) for action in ("reject", "accept", "")]
    assert (await after(kit, 89))["inactive_workflows"].removed == 0
    dry = (await after(kit, 91, dry=True))["inactive_workflows"]
    assert (dry.found.count, dry.found.note) == (1, "1 in use: a job of theirs waits")
    assert (await statuses(kit))[completed] == "completed"
    done = (await after(kit, 91))["inactive_workflows"]
    assert (done.removed, done.found.note) == (1, "1 in use: a job of theirs waits")
    assert await statuses(kit) == {completed: "archived", scheduled: "running", waiting: "awaiting_review"}
    assert (await after(kit, 91))["inactive_workflows"].found.count == 0
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_checkpoints_go_with_the_end_of_their_workflow(on: Ground, kit: Kit) -> None:
    ended, going_on = await reviewed(kit, "reject"), await reviewed(kit, "")
    await caught_up(kit)
    threads = "SELECT DISTINCT thread_id FROM checkpoints"
    assert (await after(kit, 0.9))["checkpoints"].removed == 0
    assert (await after(kit, 1.1))["checkpoints"].removed == 1
    await caught_up(kit)
    assert [row["thread_id"] for row in await kit.database.pool.fetch(threads)] == [str(going_on)]
    # Archiving is an event of its own, whose checkpoint goes with the next run.
    assert (await after(kit, 91))["inactive_workflows"].removed == 1
    await caught_up(kit)
    assert (await after(kit, 95))["checkpoints"].removed == 1
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    assert str(ended) not in {row["thread_id"] for row in await kit.database.pool.fetch(threads)}


async def test_executions_go_by_their_age_and_running_ones_stay_with_their_logs(on: Ground, kit: Kit) -> None:
    completed, failed, running = [await executed(kit, status) for status in ("completed", "failed", "running")]
    early = await after(kit, 31)
    assert (early["failed_executions"].removed, early["completed_executions"].removed) == (1, 0)
    assert set(await statuses(kit)) == {completed, running}
    late = await after(kit, 91)
    assert (late["completed_executions"].removed, late["completed_executions"].found.note) == (
        1,
        "1 in use: they have not ended",
    )
    assert set(await statuses(kit)) == {running}
    note = late["execution_logs"].found.note
    assert "an execution begun then has not ended" in note
    assert await kit.database.pool.fetchval(_LOGS) == 2
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    assert failed not in await statuses(kit)


async def test_logs_go_before_their_execution_and_no_rebuild_brings_them_back(on: Ground, kit: Kit) -> None:
    await executed(kit, "completed")
    await Months(kit.database, ["execution_logs"]).add("execution_logs")
    logged, whole = await kit.database.pool.fetchval(_LOGS), await parts(kit)
    before = datetime.now(UTC)
    done = (await after(kit, 75))["execution_logs"]
    assert (done.removed, await kit.database.pool.fetchval(_LOGS)) == (logged, 0)
    dropped = set(whole) - set(await parts(kit))
    assert f"execution_logs_{before:%Y%m}" in dropped
    assert "execution_logs_default" in await parts(kit)
    assert len(await statuses(kit)) == 1
    live = await rows_of(on.admin_dsn, "workflow")
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    await rebuild(kit, on.admin_dsn, ["execution_logs"])
    assert await rows_of(on.admin_dsn, "workflow") == live


async def test_a_copy_as_of_a_moment_keeps_to_what_was_in_force_then(on: Ground, kit: Kit) -> None:
    await executed(kit, "completed")
    logged = await kit.database.pool.fetchval(_LOGS)
    before = await now(kit)
    assert (await after(kit, 40))["execution_logs"].removed == logged
    then = await copy_as_of(kit, on.admin_dsn, ["execution_logs"], before)
    assert list(then.copies.values()) == [logged]

    async def another_second() -> bool:
        return (await now(kit)).replace(microsecond=0) > before

    await eventually(another_second)  # copies are named by the second
    later = await copy_as_of(kit, on.admin_dsn, ["execution_logs"], await now(kit))
    assert list(later.copies.values()) == [0]


async def now(kit: Kit) -> datetime:
    """By the server's clock."""
    found: datetime = await kit.database.pool.fetchval("SELECT now()")
    return found


async def test_what_lies_in_the_default_part_goes_row_by_row_and_not_more_than_one_run_may(
    on: Ground, kit: Kit
) -> None:
    connection = await asyncpg.connect(on.admin_dsn, server_settings={"search_path": "workflow"})
    for name in await parts(kit):
        if name != "execution_logs_default":
            await connection.execute(f"DROP TABLE {name}")
    await connection.close()
    for _ in range(3):
        await executed(kit, "completed")
    logged = await kit.database.pool.fetchval(_LOGS)
    settings = kit.settings
    kit.settings = settings.model_copy(update={"retention_most": 10})
    first = (await after(kit, 60))["execution_logs"]
    assert (first.found.count, first.removed) == (logged, 10)
    assert await kit.database.pool.fetchval(_LOGS) == logged - 10
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    kit.settings = settings
    assert (await after(kit, 60))["execution_logs"].removed == logged - 10
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_nothing_goes_while_the_table_is_rebuilt(on: Ground, kit: Kit) -> None:
    await executed(kit, "completed")
    logged = await kit.database.pool.fetchval(_LOGS)
    rebuilding = await asyncpg.connect(on.admin_dsn)
    try:
        await rebuilding.execute(_TAKE)
        outcome = (await after(kit, 60))["execution_logs"]
    finally:
        await rebuilding.close()
    assert outcome.stopped == "execution_logs is being rebuilt; the next run goes on."
    stopped = {"rule": "execution_logs"}
    assert kit.metrics.registry.get_sample_value("presswork_retention_stopped_total", stopped) == 1
    assert await kit.database.pool.fetchval(_LOGS) == logged
    assert (await after(kit, 60))["execution_logs"].removed == logged


async def test_a_part_that_somebody_reads_is_dropped_when_they_have_done(on: Ground, kit: Kit) -> None:
    await executed(kit, "completed")
    reading = await asyncpg.connect(on.admin_dsn)
    transaction = reading.transaction()
    await transaction.start()
    try:
        await reading.fetchval("SELECT count(*) FROM workflow.execution_logs")
        letting_go = asyncio.create_task(after(kit, 75))

        async def waits() -> bool:
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%drop_partition%' AND wait_event_type = $1"
            )
            return bool(await kit.database.pool.fetchval(waiting, "Lock"))

        await eventually(waits)
        await transaction.rollback()
        assert (await letting_go)["execution_logs"].stopped == ""
    finally:
        await reading.close()
    assert await kit.database.pool.fetchval(_LOGS) == 0
    assert f"execution_logs_{datetime.now(UTC):%Y%m}" not in await parts(kit)


async def test_the_coming_months_have_their_parts_and_nobody_may_drop_one_that_is_in_use(on: Ground, kit: Kit) -> None:
    months = Months(kit.database, ["execution_logs"])
    await months.add("execution_logs")
    assert await months.add("execution_logs") == 0
    pool = kit.database.pool
    assert await pool.fetchval("SELECT add_month_partitions('execution_logs', 14)") == 12
    assert len(await parts(kit)) == 16
    await executed(kit, "completed")
    # A month of which the default part holds rows stays there.
    user_id = new_id()
    await pool.execute(
        "INSERT INTO execution_logs (id, timestamp, level, message, user_id) "
        "VALUES ($1, now() + interval '20 months', 'info', 'x', $1)",
        user_id,
    )
    assert await pool.fetchval("SELECT add_month_partitions('execution_logs', 21)") == 6
    await pool.execute("DELETE FROM execution_logs WHERE user_id = $1", user_id)
    assert await pool.fetchval("SELECT drop_partition_below_cutoff('execution_logs')") is None
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    for table in ("events", "workflows", "no_such_table"):
        with pytest.raises((asyncpg.NoDataFoundError, asyncpg.UndefinedTableError)):
            await pool.execute("SELECT add_month_partitions($1)", table)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("INSERT INTO retention_cutoffs VALUES ('events', now(), 'recorded_at', now())")


async def test_runs_that_are_over_go_and_running_ones_stay(on: Ground, kit: Kit) -> None:
    over, running = new_id(), new_id()
    for run_id in (over, running):
        await kit.handle(StartRun(run_id, new_id(), f"b-{run_id}"), actor=None)
    await kit.handle(FinishRun(over, "completed"), actor=None)
    outcome = (await after(kit, 91))["processing_runs"]
    assert (outcome.removed, outcome.found.note) == (1, "1 in use: they are running")
    assert [row["id"] for row in await kit.database.pool.fetch("SELECT id FROM processing_runs")] == [running]
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_which_files_are_in_use(kit: Kit) -> None:
    ended, waiting, running, done, nobodys = (new_id() for _ in range(5))
    await reviewed(kit, "reject", ended)
    await reviewed(kit, "", waiting)
    await executed(kit, "running", running)
    await executed(kit, "completed", done)
    async with kit.database.reading(None) as connection:
        found = await files_in_use(connection, [ended, waiting, running, done, nobodys])
    assert set(found) == {waiting, running}
