"""Jobs due at one moment, from then until the last has begun; and a sweep with few and with many jobs done."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.publishing.app import service
from services.publishing.domain.commands import ScheduleJob
from services.publishing.schedule.sweep import missed
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit
from shared.projection import insert
from tests.bench.work import main
from tests.bench.work.kits import kit

_AT_ONCE = 500  # jobs scheduled in one transaction
_SWEEPS = 20
_DONE = """
INSERT INTO publishing_jobs (id, workflow_id, user_id, platform, status, draft_id, scheduled_for, published_at,
                             response_data, created_at, updated_at, started_at)
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', 'published', gen_random_uuid(), at, at,
       '{"platform_post_id": "1", "url": "https://x.com/i/status/1"}', at, at, at
FROM (SELECT now() - interval '1 day' - n * interval '1 second' AS at FROM generate_series(1, $1) AS n) AS days
"""


async def measure(database_url: str, jobs: int, finished: int) -> dict[str, Any]:
    """Seconds from the due time to the first and to the last start, and of one sweep with few and many jobs done."""
    opened = kit(service, database_url, connector="instant", database_pool=12)
    await opened.database.open()
    assert service.tools is not None
    try:
        async with service.tools(opened) as opened.tools:
            # Late enough that all of them are on the list by then.
            due_at = datetime.now(UTC) + timedelta(seconds=max(5.0, jobs / 500))
            await _schedule(opened, jobs, due_at)
            assert datetime.now(UTC) < due_at, "the machine is too slow for so many jobs"
            workers = asyncio.create_task(opened.workers.run())
            try:
                first, last = await _started(opened, jobs, due_at)
            finally:
                workers.cancel()
                await asyncio.wait([workers])
        await opened.database.pool.execute("ANALYZE publishing_jobs", timeout=60)
        few = await _sweep(opened)
        await opened.database.pool.execute(_DONE, finished, timeout=300)
        await opened.database.pool.execute("ANALYZE publishing_jobs", timeout=60)
        return {"first": first, "last": last, "few": few, "many": await _sweep(opened)}
    finally:
        await opened.database.close()


async def _schedule(opened: Kit, jobs: int, due_at: datetime) -> None:
    for begin in range(0, jobs, _AT_ONCE):
        unit = opened.unit()
        for _ in range(min(_AT_ONCE, jobs - begin)):
            job_id, workflow_id, draft_id, user_id = new_id(), new_id(), new_id(), new_id()
            unit.changes.append(_text(draft_id, workflow_id, user_id))
            command = ScheduleJob(job_id, workflow_id, user_id, "x", draft_id, due_at, "UTC")
            await unit.handle(command, Cause(workflow_id, None, None, None))
        await unit.commit()


def _text(draft_id: UUID, workflow_id: UUID, user_id: UUID) -> Any:
    whose = {"draft_id": draft_id, "workflow_id": workflow_id, "user_id": user_id, "platform": "x"}
    return insert("draft_texts", **whose, title="", content="Bread.", hashtags=[], created_at=datetime.now(UTC))


async def _started(opened: Kit, jobs: int, due_at: datetime) -> tuple[float, float]:
    look = "SELECT count(started_at) AS begun, min(started_at) AS first, max(started_at) AS last FROM publishing_jobs"
    async with asyncio.timeout(180):
        while (row := await opened.database.pool.fetchrow(look))["begun"] < jobs:  # noqa: ASYNC110 (a row's state)
            await asyncio.sleep(0.5)
    return (row["first"] - due_at).total_seconds(), (row["last"] - due_at).total_seconds()


async def _sweep(opened: Kit) -> float:
    """The median of some, in seconds."""
    taken = []
    for _ in range(_SWEEPS):
        began = time.perf_counter()
        assert await missed(opened, datetime.now(UTC)) == []
        taken.append(time.perf_counter() - began)
    return sorted(taken)[_SWEEPS // 2]


if __name__ == "__main__":
    main(measure)
