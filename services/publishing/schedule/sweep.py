"""Every minute: jobs that are due and that nobody is going to do are put on the to-do list again.

A restored backup, a task struck by hand or an event parked at the wrong moment may leave such. The sweep is itself a
task that puts down its next one; what it costs depends on the jobs that are left to do, not on those that are done.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.publishing.domain.commands import ReleaseJob
from services.publishing.reactions import task_id, task_of
from services.publishing.schedule import queries
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, gave_up, work

logger = logging.getLogger(__name__)

SWEEP: Final = "sweep_jobs"
EVERY: Final = timedelta(minutes=1)
LATE: Final = timedelta(minutes=2)  # whatever is at it by then has put down what it is at
_AT_ONCE: Final = 500  # jobs looked at in one step
_MOST: Final = 2000  # jobs put on the list by one sweep
_BEGIN: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))

# Of several processes that start one writes it.
_PUT = """
INSERT INTO tasks (id, kind, due_at, correlation_id) SELECT $1, $2, $3, $1
WHERE NOT EXISTS (SELECT FROM tasks WHERE kind = $2) ON CONFLICT DO NOTHING
"""


async def begin(kit: Kit) -> None:
    """Put the first sweep on the list, unless there is one."""
    first = _next(datetime.now(UTC))
    await kit.database.pool.execute(_PUT, first.id, SWEEP, first.due_at)


@work(SWEEP, lease=60, attempts=4, concurrency=1)
async def sweep(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Tasks for what is missed, and the next sweep."""
    now = datetime.now(UTC)
    found = await missed(kit, now)
    if found:
        logger.warning("%d jobs were due and on nobody's list; they are done now", len(found))
    return [*found, *await _forgotten(kit, now), _next(now)]


@gave_up(SWEEP)
def sweep_again(task: LeasedTask, reason: str) -> Sequence[Task]:
    return [_next(datetime.now(UTC))]


async def missed(kit: Kit, now: datetime) -> list[Task]:
    """A task for each job that was due two minutes ago and has none."""
    pool, after, tasks = kit.database.pool, _BEGIN, list[Task]()
    while len(tasks) < _MOST:
        jobs = await queries.overdue(pool, now - LATE, after, _AT_ONCE)
        wanted = {task_id(job["id"], job["turn"]): job for job in jobs}
        there = await queries.known_tasks(pool, list(wanted))
        tasks += [task_of(job["id"], job["turn"], job["platform"]) for each, job in wanted.items() if each not in there]
        if len(jobs) < _AT_ONCE:
            break
        after = jobs[-1]["due_at"], jobs[-1]["id"]
    return tasks


async def _forgotten(kit: Kit, now: datetime) -> list[ReleaseJob]:
    rows = await queries.forgotten(kit.database.pool, now - EVERY, _AT_ONCE)
    return [ReleaseJob(row["id"], row["held_for"]) for row in rows]


def _next(now: datetime) -> Task:
    due_at = (now + EVERY).replace(second=0, microsecond=0)
    return Task(derive(SWEEP, due_at), SWEEP, {}, due_at)
