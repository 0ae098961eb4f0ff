"""Workers: they lease tasks, do them outside any transaction, and record the outcome with the strike of the row.

A task is done at least once and takes effect once: the lease token fences whoever was too slow. Harmless work may begin
while its task is still being written (shared/eventstore/births.py).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.decider import DomainError
from shared.eventstore.births import Birth, leased
from shared.eventstore.store import Cause, EventStore, StaleState
from shared.eventstore.unit import LostLease, Unit
from shared.reactions import NO_COMMANDS, GiveUp, LeasedTask, Reactions, RetryLater, Worker
from shared.telemetry.context import bind_correlation, unbind_correlation
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import SpanKind, current_traceparent, span

logger = logging.getLogger(__name__)

TICK = 0.25  # seconds between looks for tasks that nobody announced
GROUPED = 200  # most outcomes recorded in one transaction
WITHIN_LEASE = 0.9  # of a lease: work is stopped and reported before another worker may take the task
AFTER_A_FAULT = 60.0  # seconds until a task whose giving up failed is looked at again
GRACE = 4.5  # seconds that work in flight has left when the process is asked to end

# The kinds of which a task is due, each by one look into the index.
_DUE = """
SELECT wanted.kind FROM unnest($1::text[]) AS wanted (kind)
CROSS JOIN LATERAL (
    SELECT FROM tasks
    WHERE tasks.kind = wanted.kind AND greatest(due_at, coalesce(leased_until, due_at)) <= now()
    ORDER BY greatest(due_at, coalesce(leased_until, due_at)) LIMIT 1
) AS due
"""
# Limited lanes each get as many as they have room for, however long the queue of another is; the rest share $2.
# Materialized: a plan that scanned the selection twice would lease more than asked for.
_LEASE = """
WITH due AS MATERIALIZED (
    SELECT limited.id FROM unnest($5::text[], $6::int[]) AS room (lane, free)
    CROSS JOIN LATERAL (
        SELECT id FROM tasks
        WHERE kind = $1 AND tasks.lane = room.lane AND greatest(due_at, coalesce(leased_until, due_at)) <= now()
        ORDER BY greatest(due_at, coalesce(leased_until, due_at))
        LIMIT room.free
        FOR UPDATE SKIP LOCKED
    ) AS limited
    UNION ALL
    SELECT unlimited.id FROM (
        SELECT id FROM tasks
        WHERE kind = $1 AND lane <> ALL ($5::text[]) AND greatest(due_at, coalesce(leased_until, due_at)) <= now()
        ORDER BY greatest(due_at, coalesce(leased_until, due_at))
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) AS unlimited
)
UPDATE tasks SET lease_token = $3, leased_until = now() + $4, attempts = attempts + 1
WHERE id IN (SELECT id FROM due)
RETURNING id, kind, lane, payload, attempts, lease_token, correlation_id, causation_id, actor, traceparent
"""
_LATER = """
UPDATE tasks SET lease_token = NULL, leased_until = NULL, due_at = now() + $3, last_error = $4,
                 attempts = attempts - $5
WHERE id = $1 AND lease_token = $2
"""


@dataclass(slots=True)
class Done:
    """A task's outcome, not yet recorded."""

    task: LeasedTask
    worker: Worker
    outcome: Sequence[Any]
    traceparent: str | None
    started: float


class Workers:
    """All workers of a service. Run `run()` in a task; `offer()` hands over rows born leased."""

    def __init__(
        self,
        store: EventStore,
        reactions: Reactions,
        new_unit: Callable[[], Unit],
        made: Callable[[Unit], None],
        tools: Any,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._reactions = reactions
        self._new_unit = new_unit
        self._made = made
        self._tools = tools
        self._metrics = metrics
        self._running: dict[str, int] = defaultdict(int)
        self._in_lane: dict[tuple[str, str], int] = defaultdict(int)
        self._lane_limits = {
            kind: dict(worker.lane_limit(tools.settings) if callable(worker.lane_limit) else worker.lane_limit)
            for kind, worker in reactions.workers.items()
        }
        self._slots = {kind: asyncio.Semaphore(worker.concurrency) for kind, worker in reactions.workers.items()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: asyncio.Queue[Done] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._more = False  # there may be tasks for which there was no room
        self._accepting = False

    def wake(self) -> None:
        """Some task may be due."""
        self._wake.set()

    def lease_for(self, kind: str, lane: str, promised: Counter[tuple[str, str]]) -> float:
        """Seconds of lease for a row that is born now and done here at once; 0 when others should take it.

        `promised` says how many of each kind and lane the same transaction has got a lease for already.
        """
        worker = self._reactions.workers.get(kind)
        if worker is None or not self._accepting:
            return 0
        if (room := self._room_in(kind, lane)) is not None:
            return self._unless_full(worker, promised[kind, lane] < room)
        limited = self._lane_limits[kind]
        already = sum(count for (other, where), count in promised.items() if other == kind and where not in limited)
        return self._unless_full(worker, self._running[kind] + already < worker.concurrency)

    def _unless_full(self, worker: Worker, has_room: bool) -> float:
        self._more = self._more or not has_room
        return worker.lease if has_room else 0

    def offer(self, tasks: Sequence[LeasedTask]) -> None:
        """Rows that were born leased to this process and are committed."""
        for task in tasks:
            if self._room_in(task.kind, task.lane) == 0:
                # Another transaction has filled the lane meanwhile.
                self._keep(self._later(task, 0, "its lane is full", counts=False))
            else:
                self._start(task)

    def begin(self, unit: Unit) -> list[Birth]:
        """Begin harmless work that a unit asks for, as far as there is room, before the unit is committed."""
        now, births = datetime.now(UTC), []
        for task, cause in unit.tasks.values():
            worker = self._reactions.workers.get(task.kind)
            if worker is None or not worker.harmless or (task.due_at is not None and task.due_at > now):
                continue
            if seconds := self.lease_for(task.kind, task.lane, Counter()):
                birth = Birth(leased(task, cause, uuid4(), unit.changes), seconds)
                births.append(birth)
                self._start(birth.task, birth)
        return births

    def _room_in(self, kind: str, lane: str) -> int | None:
        """How many more tasks of a limited lane may run; None: the lane has no limit."""
        limit = self._lane_limits[kind].get(lane)
        return None if limit is None else max(0, limit - self._in_lane.get((kind, lane), 0))

    async def run(self) -> None:
        """Until cancelled."""
        self._accepting = True
        finisher = asyncio.create_task(self._finish())
        try:
            while True:
                self._wake.clear()
                leased, self._more = 0, False
                try:
                    for kind in await self._due():
                        leased += await self._lease(self._reactions.workers[kind])
                except (*UNAVAILABLE, *IN_THE_WAY) as error:
                    logger.warning("tasks of %s wait: %s", self._store.service, error or type(error).__name__)
                    await asyncio.sleep(0.5)
                if leased:
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._wake.wait()
        finally:
            self._accepting = False
            await self._wind_up()
            finisher.cancel()

    async def _wind_up(self) -> None:
        """Let work in flight finish and record it; what takes too long is stopped and left to others."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE)
            for each in late:
                each.cancel()
            if late:
                await asyncio.wait(late, timeout=1)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._finished.join(), 2)

    async def _due(self) -> list[str]:
        """The kinds of work that there is something to do of, in one round trip for all."""
        rows = await self._store.database.pool.fetch(_DUE, list(self._reactions.workers))
        return [row["kind"] for row in rows]

    async def _lease(self, worker: Worker) -> int:
        room = worker.concurrency - self._running[worker.kind]
        lanes = {lane: self._room_in(worker.kind, lane) or 0 for lane in self._lane_limits[worker.kind]}
        self._more = self._more or room <= 0 or not all(lanes.values())
        if room <= 0 and not any(lanes.values()):
            return 0
        rows = await self._store.database.pool.fetch(
            _LEASE,
            worker.kind,
            max(0, room),
            uuid4(),
            timedelta(seconds=worker.lease),
            list(lanes),
            list(lanes.values()),
        )
        self._more = self._more or bool(rows)
        self.offer([LeasedTask(**dict(row)) for row in rows])
        return len(rows)

    def _start(self, task: LeasedTask, birth: Birth | None = None) -> None:
        worker = self._reactions.workers[task.kind]
        self._running[task.kind] += 1
        self._in_lane[(task.kind, task.lane)] += 1
        self._keep(self._work(task, worker, birth))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        running = asyncio.create_task(work)
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    async def _work(self, task: LeasedTask, worker: Worker, birth: Birth | None) -> None:
        started = time.perf_counter()
        token = bind_correlation(str(task.correlation_id))
        try:
            async with self._turn(task):
                left = WITHIN_LEASE * worker.lease - (time.perf_counter() - started)
                if not self._accepting or left < worker.lease / 2:
                    if await _on_the_list(birth):
                        await self._later(task, 0, "it did not get its turn here in time", counts=False)
                else:
                    await self._do(task, worker, left, started, birth)
        except asyncio.CancelledError:
            if birth is None or birth.known_as_row:
                # The process ends. It may have acted, so the attempt counts.
                await self._later(task, 0, "its worker was stopped", counts=True)
            raise
        finally:
            if birth is not None:
                birth.over()
            self._running[task.kind] -= 1
            self._in_lane[(task.kind, task.lane)] -= 1
            if self._in_lane[(task.kind, task.lane)] <= 0:
                del self._in_lane[(task.kind, task.lane)]
            unbind_correlation(token)
            if self._more:
                self._wake.set()

    def _turn(self, task: LeasedTask) -> AbstractAsyncContextManager[Any]:
        """A limited lane has room of its own, the others share the kind's; leases may for a moment be more than fit."""
        return nullcontext() if task.lane in self._lane_limits[task.kind] else self._slots[task.kind]

    async def _do(self, task: LeasedTask, worker: Worker, seconds: float, started: float, birth: Birth | None) -> None:
        own: str | None = None
        put_off: RetryLater | None = None
        try:
            if task.attempts > worker.attempts:
                raise GiveUp(f"Each of {worker.attempts} attempts ended without an outcome.")
            with span(
                f"work {task.kind}",
                kind=SpanKind.INTERNAL,
                traceparent=task.traceparent,
                attributes={"presswork.task.kind": task.kind, "presswork.task.attempt": task.attempts},
            ) as current:
                own = current_traceparent()
                try:
                    async with asyncio.timeout(seconds):
                        outcome = await worker.run(task, self._tools)
                except RetryLater as later:
                    if later.counts:
                        raise
                    current.set_attribute("presswork.task.put_off", later.reason)  # its turn had not come: no failure
                    put_off = later
            if put_off is not None:
                raise put_off
        except Exception as error:  # whatever befell it, the task is tried again or given up
            if await _on_the_list(birth):
                await self._failed(task, worker, error, own, started)
            return
        done = Done(task, worker, outcome or (), own, started)
        if birth is not None:
            birth.done(done.outcome, own)
        if await _on_the_list(birth):
            self._finished.put_nowait(done)
        elif birth is not None and birth.recorded:
            self._note(done)

    async def _failed(
        self, task: LeasedTask, worker: Worker, error: Exception, own: str | None, started: float
    ) -> None:
        reason = _said(error)
        match error:
            case GiveUp():
                give_up, seconds, counts = True, 0.0, True
            case RetryLater(seconds=seconds, counts=counts):
                give_up = counts and task.attempts >= worker.attempts
            case _ if isinstance(error, UNAVAILABLE) and not await self._database_answers():
                # Nothing of this task's doing: it waits as long as the database is away.
                give_up, seconds, counts = False, TICK, False
            case _:
                give_up, counts = task.attempts >= worker.attempts, True
                seconds = min(60.0, 2.0 ** (task.attempts - 1)) * random.uniform(0.5, 1.0)
                logger.warning("task %s %s failed", task.kind, task.id, exc_info=error)
        if give_up:
            self._metrics.work_duration.labels(task.kind, "gave_up").observe(time.perf_counter() - started)
            try:
                self._finished.put_nowait(Done(task, worker, self._resigned(task, reason), own, started))
            except Exception:  # of the service's own words for it
                logger.exception("giving up task %s %s failed; it stays on the list", task.kind, task.id)
                await self._later(task, AFTER_A_FAULT, reason, counts=True)
            return
        self._metrics.work_duration.labels(task.kind, "retry").observe(time.perf_counter() - started)
        await self._later(task, seconds, reason, counts=counts)

    def _resigned(self, task: LeasedTask, reason: str) -> Sequence[Any]:
        """What is said when a task is given up; nothing, where nobody has anything to say."""
        resign = self._reactions.resignations.get(task.kind)
        if resign is None:
            logger.error("task %s %s is given up: %s", task.kind, task.id, reason)
            return ()
        return resign(task, reason)

    async def _later(self, task: LeasedTask, seconds: float, reason: str, *, counts: bool) -> None:
        delay, lease_ends = 0.05, time.monotonic() + self._reactions.workers[task.kind].lease
        while time.monotonic() < lease_ends:  # after that the task is taken again in any case
            try:
                await self._store.database.pool.execute(
                    _LATER, task.id, task.lease_token, timedelta(seconds=seconds), reason[:1000], 0 if counts else 1
                )
                break
            except UNAVAILABLE:
                await asyncio.sleep(delay)
                delay = min(delay * 2, 1.0)
            except Exception:  # its lease runs out, and then it is taken again
                logger.exception("task %s %s keeps its lease", task.kind, task.id)
                break
        if seconds < TICK:
            asyncio.get_running_loop().call_later(seconds, self._wake.set)

    async def _database_answers(self) -> bool:
        try:
            await self._store.database.ready()
        except UNAVAILABLE:
            return False
        return True

    async def _finish(self) -> None:
        """Record outcomes, all that are there in one transaction."""
        while True:
            group = [await self._finished.get()]
            while len(group) < GROUPED and not self._finished.empty():
                group.append(self._finished.get_nowait())
            try:
                await self._record(group)
            except Exception as error:  # one outcome may be refused; those beside it are recorded alone
                if len(group) == 1:
                    await self._unrecordable(group[0], error)
                    continue
                for done in group:
                    try:
                        await self._record([done])
                    except Exception as alone:
                        await self._unrecordable(done, alone)
            finally:
                for _ in group:
                    self._finished.task_done()

    async def _record(self, group: Sequence[Done]) -> None:
        careful, delay = False, 0.02
        while group:
            unit = self._new_unit()
            unit.careful = careful
            try:
                await unit.prepare(
                    [each for done in group for each in done.outcome if not isinstance(each, NO_COMMANDS)]
                )
                for done in group:
                    cause = Cause(done.task.correlation_id, done.task.causation_id, done.task.actor, done.traceparent)
                    await unit.follow(done.outcome, cause)
                    unit.done.append(done.task)
                await unit.commit()
            except (StaleState, *IN_THE_WAY):
                careful = True
                await asyncio.sleep(random.uniform(0, 0.005))
            except LostLease as lost:
                # What another worker has taken over is its to record.
                group = [done for done in group if (done.task.id, done.task.lease_token) in lost.held]
            except UNAVAILABLE:
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            else:
                self._made(unit)
                for done in group:
                    self._note(done)
                return

    def _note(self, done: Done) -> None:
        self._metrics.work_duration.labels(done.task.kind, "done").observe(time.perf_counter() - done.started)

    async def _unrecordable(self, done: Done, error: Exception) -> None:
        """The outcome itself is refused: the task failed, as if its work had."""
        logger.warning("the outcome of task %s %s was refused", done.task.kind, done.task.id, exc_info=error)
        if done.task.attempts < done.worker.attempts:
            await self._later(done.task, min(60.0, 2.0**done.task.attempts), _said(error), counts=True)
            return
        try:
            outcome = self._resigned(done.task, _said(error))
            await self._record([Done(done.task, done.worker, outcome, done.traceparent, done.started)])
        except Exception:  # of the service's own words for it, or their recording
            logger.exception("giving up task %s %s failed; it stays on the list", done.task.kind, done.task.id)
            await self._later(done.task, AFTER_A_FAULT, _said(error), counts=True)


async def _on_the_list(birth: Birth | None) -> bool:
    """Whether there is a row whose outcome is to be recorded, once that is known."""
    return birth is None or await birth.is_row()


def _said(error: Exception) -> str:
    if isinstance(error, GiveUp | RetryLater):
        return error.reason
    if isinstance(error, DomainError):
        return error.message
    if isinstance(error, TimeoutError):
        return "It took too long."
    return f"{type(error).__name__}: {error}"
