"""Beginning jobs: what a job needs is read, and its start recorded, before the platform hears of it.

Jobs that begin at the same moment share one read and one transaction.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.publishing import queries
from services.publishing.connectors import Connection, Post
from services.publishing.domain.commands import StartJob
from services.publishing.domain.job import Job, Superseded
from services.publishing.limits import Limits, alone
from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.decider import DomainError
from shared.eventstore.store import Cause, StaleState
from shared.kit import Kit
from shared.reactions import LeasedTask
from shared.security.fields import FieldCipher, NoKeyFits
from shared.telemetry.context import current_traceparent

MOST = 200  # jobs begun in one transaction
PATIENCE = 10.0  # seconds that a start waits for a database that is away

T = TypeVar("T")


class TextMissing(Exception):
    """The draft's text was not heard of yet; the job was due at `due_at`."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__("The text of the draft has not arrived yet.")
        self.due_at = due_at


class AccountBroken(Exception):
    """The platform does not take the connection's token, so the job has to wait for another."""

    def __init__(self, connection_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.connection_id = connection_id
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Begun:
    """A job whose start is recorded. `asked_id` names the connection that was asked for, if any."""

    job: Job
    post: Post
    connection: Connection | None
    asked_id: UUID | None
    token_turn: int = 1  # of the connection's token that is used


@dataclass(frozen=True, slots=True)
class _Waiting:
    task: LeasedTask
    traceparent: str | None
    result: asyncio.Future[Begun]

    @property
    def job_id(self) -> UUID:
        return UUID(self.task.payload["job_id"])

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class Beginnings:
    """Begins jobs of one process, as far as the `limits` let them. Its `call` bounds a call to a platform."""

    def __init__(self, kit: Kit, limits: Limits) -> None:
        self._kit = kit
        self._limits = limits
        self._call = limits.call
        self._waiting: list[_Waiting] = []
        self._beginning: asyncio.Task[None] | None = None

    async def begin(self, task: LeasedTask) -> Begun:
        """Record that the job starts.

        Raises TextMissing, AccountBroken, AccountRests, PlatformBusy, Superseded, StillRunning, or what the database
        raises.
        """
        waiting = _Waiting(task, current_traceparent(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._beginning is None or self._beginning.done():
            self._beginning = asyncio.create_task(self._begin_all())
        return await waiting.result

    async def _begin_all(self) -> None:
        while group := self._waiting[:MOST]:
            del self._waiting[:MOST]
            try:
                await self._begin(group)
            except Exception as error:  # it is raised where each of them waits
                for waiting in group:
                    waiting.fail(error)

    async def _begin(self, group: Sequence[_Waiting]) -> None:
        if self._limits.concern({waiting.task.lane for waiting in group}):
            async with alone(self._kit.database.pool):
                await self._begin_those_that_may(group)
        else:
            await self._begin_those_that_may(group)

    async def _begin_those_that_may(self, group: Sequence[_Waiting]) -> None:
        pool = self._kit.database.pool
        briefs = await queries.briefs(pool, [waiting.job_id for waiting in group])
        ready: list[tuple[_Waiting, Any]] = []
        for waiting in group:
            brief = briefs.get(waiting.job_id)
            if brief is None:
                waiting.fail(Superseded("The job is gone."))
            elif not brief["has_text"]:
                waiting.fail(TextMissing(brief["due_at"]))
            elif brief["broken_at"] is not None:
                waiting.fail(AccountBroken(brief["id"], brief["broken_reason"]))
            else:
                ready.append((waiting, brief))
        refused = await self._limits.refusals(pool, [brief for _, brief in ready], datetime.now(UTC))
        for waiting, _ in ready:
            if waiting.job_id in refused:
                waiting.fail(refused[waiting.job_id])
        ready = [(waiting, brief) for waiting, brief in ready if waiting.job_id not in refused]
        if not ready:
            return
        for (waiting, brief), outcome in zip(ready, await _patiently(lambda: self._start(ready)), strict=True):
            if isinstance(outcome, DomainError):
                waiting.fail(outcome)
            elif not waiting.result.done():
                waiting.result.set_result(await self._begun(outcome, brief))

    async def _start(self, ready: Sequence[tuple[_Waiting, Any]]) -> list[Job | DomainError]:
        """The state of each job after its start, or why it does not start. Twice under one lease is once."""
        while True:
            now = datetime.now(UTC)
            unit = self._kit.unit()
            commands = [_command(waiting.task, row, now, self._call) for waiting, row in ready]
            await unit.prepare(commands)
            outcomes: list[Job | DomainError] = []
            for (waiting, _), command in zip(ready, commands, strict=True):
                task = waiting.task
                cause = Cause(task.correlation_id, task.causation_id, task.actor, waiting.traceparent)
                try:
                    outcomes.append(await unit.handle(command, cause))
                except DomainError as refused:
                    outcomes.append(refused)
            try:
                await unit.commit()
            except (StaleState, *IN_THE_WAY):
                await asyncio.sleep(random.uniform(0, 0.005))
            else:
                self._kit.made(unit)
                return outcomes

    async def _begun(self, job: Job, brief: Any) -> Begun:
        post = Post(
            job_id=brief["job_id"],
            workflow_id=brief["workflow_id"],
            user_id=brief["user_id"],
            platform=brief["platform"],
            title=brief["title"],
            content=brief["content"],
            hashtags=tuple(brief["hashtags"]),
            language=brief["language"] or "",
            published_at=brief["due_at"],
            asked_at=brief["asked_at"],
        )
        account = brief
        if job.connection_id is not None and job.connection_id != brief["id"]:
            used, user_id = job.connection_id, brief["user_id"]
            account = await _patiently(lambda: queries.account(self._kit.database.pool, used, user_id))
        connection = opened(account, self._kit.store.cipher)
        return Begun(job, post, connection, brief["asked_id"], account["token_turn"] if connection else 1)


def _command(task: LeasedTask, brief: Any, now: datetime, call: timedelta) -> StartJob:
    job_id, turn = UUID(task.payload["job_id"]), task.payload["turn"]
    same = brief["duplicate_of"]
    return StartJob(job_id, turn, task.attempts, task.lease_token, brief["id"], now, call, same)


async def _patiently(act: Callable[[], Awaitable[T]]) -> T:
    """Again while the database is away: a start whose commit was not confirmed would look like a lost call."""
    delay, ends = 0.05, time.monotonic() + PATIENCE
    while True:
        try:
            return await act()
        except UNAVAILABLE:
            if time.monotonic() > ends:
                raise
        await asyncio.sleep(delay)
        delay = min(delay * 2, 1.0)


def opened(account: Any, cipher: FieldCipher) -> Connection | None:
    """A connection with its token decrypted; None without a row, or when no key opens the token any more."""
    if account is None or account["id"] is None:
        return None
    try:
        access_token = cipher.decrypt(account["access_token"].encode()).decode()
    except NoKeyFits:
        return None
    return Connection(
        id=account["id"],
        platform=account["platform_type"],
        instance_url=account["instance_url"],
        username=account["username"],
        access_token=access_token,
        settings=account["settings"],
        renewable=account.get("renewable", False),
    )
