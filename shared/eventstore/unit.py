"""One transaction's worth of decisions: nothing is written before everything is decided.

Loading, deciding and reacting happen first, in memory; then events, rows, tasks and marks are written together. So a
transaction gets its id only after the last load, and a stream's versions can never invert in commit order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from contracts.envelope import MAX_EVENT_BYTES, Event, Mark, Meta, Wire, headers
from shared.database import IN_THE_WAY, UNAVAILABLE, PoolConnection
from shared.decider import Decider, DomainError, Invalid, NotFound
from shared.eventstore import rows, statements
from shared.eventstore.births import Birth, a_moment, leased
from shared.eventstore.store import Cause, EventStore, Known, StaleState
from shared.eventstore.together import Part, is_unexpected, together
from shared.ids import new_id
from shared.projection import Projections, RowChange
from shared.reactions import NO_COMMANDS, Call, LeasedTask, Reactions, Strike, Task

MOST_TOGETHER = 8  # batches of rows that are sent as one: each new combination is planned once a connection


class Fenced(Exception):
    """Another process took over what this one was doing; its transaction is rolled back."""


class LostLease(Fenced):
    """Some tasks were leased to another worker meanwhile. `held` are id and lease token of those still ours."""

    def __init__(self, held: frozenset[tuple[UUID, UUID]]) -> None:
        super().__init__("Another worker took over a task whose lease had expired.")
        self.held = held


@dataclass(frozen=True, slots=True)
class MarkMove:
    """A consumer's progress in one partition of a source."""

    source: str
    partitions: int
    partition: int
    old: Mark
    new: Mark
    epoch: int


def mark_columns(moves: Sequence[MarkMove]) -> list[list[Any]]:
    """As the statement that moves marks takes them."""
    return [
        [move.source for move in moves],
        [move.partitions for move in moves],
        [move.partition for move in moves],
        [move.old.transaction_id for move in moves],
        [move.old.position for move in moves],
        [move.new.transaction_id for move in moves],
        [move.new.position for move in moves],
        [move.epoch for move in moves],
    ]


@dataclass(frozen=True, slots=True)
class Parked:
    """An event set aside."""

    wire: Wire
    attempts: int
    error: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decider made of a command: events, or none and perhaps why."""

    version: int  # of the stream when it was decided
    state: Any
    events: Sequence[Any] = ()
    refusal: DomainError | None = None


@dataclass(slots=True)
class Unit:
    """Collects what is decided, then writes it at once."""

    store: EventStore
    projections: Projections
    reactions: Reactions
    # (kind, lane, leases given so far by kind and lane) → seconds of lease here, 0: the row is for anybody
    born_leased: Callable[[str, str, Counter[tuple[str, str]]], float] | None = None
    begin: Callable[[Unit], list[Birth]] | None = None  # begins harmless work that the unit asks for
    careful: bool = False  # load also streams that a command usually starts
    states: dict[UUID, Known] = field(default_factory=dict)  # of the streams that are appended to
    loaded: set[UUID] = field(default_factory=set)  # streams read for this unit
    events: list[Event] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    tasks: dict[UUID, tuple[Task, Cause]] = field(default_factory=dict)
    dropped: list[UUID] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    done: list[LeasedTask] = field(default_factory=list)
    marks: list[MarkMove] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    unparked: list[tuple[str, Mark]] = field(default_factory=list)
    leased: list[LeasedTask] = field(default_factory=list)
    begun: dict[UUID, Birth] = field(default_factory=dict)  # tasks whose work has begun already

    async def prepare(self, commands: Sequence[Any]) -> None:
        """Load the streams of these commands that are not known yet, in one round trip."""
        wanted = set()
        for command in commands:
            decider = self.store.decider(command)
            stream_id = decider.stream_id(command)
            if stream_id not in self.states and self._to_load(command, stream_id):
                wanted.add(stream_id)
        await self._load(wanted)

    async def handle(self, command: Any, cause: Cause) -> Any:
        """Decide one command and what follows from it here. Returns the stream's new state; raises DomainError."""
        decider = self.store.decider(command)
        stream_id = decider.stream_id(command)
        if stream_id not in self.states and self._to_load(command, stream_id):
            await self._load((stream_id,))
        decision = self._decide(decider, command, stream_id)
        if not decision.events and await self._was_old(stream_id, decision.version):
            decision = self._decide(decider, command, stream_id)
        if decision.refusal is not None:
            raise decision.refusal
        if not decision.events:
            return decision.state
        version, state, decided = decision.version, decision.state, decision.events
        now = datetime.now(UTC)
        states = []
        for event in decided:
            version += 1
            event.at(
                Meta(
                    event_id=new_id(),
                    stream_type=decider.stream,
                    stream_id=stream_id,
                    version=version,
                    recorded_at=now,
                    correlation_id=cause.correlation_id,
                    causation_id=cause.causation_id,
                    actor=cause.actor,
                    traceparent=cause.traceparent,
                )
            )
            state = decider.evolve(state, event)
            states.append(state)
        self.states[stream_id] = Known(decider.stream, version, state)
        # All of them before anything that follows from one: that may append to the same stream.
        for event, after in zip(decided, states, strict=True):
            self.events.append(event)
            self.changes.extend(self.projections.changes(event, after))
        for event in decided:
            follows = Cause(cause.correlation_id, event.meta.event_id, cause.actor, cause.traceparent)
            await self.follow(self.reactions.outcomes(event), follows)
        return self.states[stream_id].state

    def _decide(self, decider: Decider[Any], command: Any, stream_id: UUID) -> Decision:
        known = self.states.get(stream_id) or self.store.cached(stream_id)
        version, state = (0, decider.initial) if known is None else (known.version, known.state)
        if known is not None and known.stream != decider.stream:
            # Somebody took the id of one thing for that of another.
            detail = f"There is no {decider.stream} with this id; list what there is."
            return Decision(version, state, refusal=NotFound(detail))
        try:
            return Decision(version, state, decider.decide(command, state))
        except DomainError as refusal:
            return Decision(version, state, refusal=refusal)

    async def _was_old(self, stream_id: UUID, version: int) -> bool:
        """Look whether others appended: no append will tell whether the state of a decision for nothing was old."""
        if stream_id in self.states or stream_id in self.loaded:
            return False
        await self._load((stream_id,))
        now = self.store.cached(stream_id)
        return now is not None and now.version != version

    async def _load(self, stream_ids: Collection[UUID]) -> None:
        await self.store.load(stream_ids)
        self.loaded.update(stream_ids)

    def _to_load(self, command: Any, stream_id: UUID) -> bool:
        if self.store.cached(stream_id) is not None:
            return False
        return self.careful or not isinstance(command, self.store.decider(command).creating)

    async def follow(self, outcomes: Sequence[Any], cause: Cause) -> None:
        """Carry out commands, tasks, strikes and calls."""
        for outcome in outcomes:
            if isinstance(outcome, Task):
                self.tasks.setdefault(outcome.id, (outcome, cause))
            elif isinstance(outcome, Strike):
                self.tasks.pop(outcome.task_id, None)
                self.dropped.append(outcome.task_id)
            elif isinstance(outcome, Call):
                self.calls.append(outcome)
            else:
                await self.handle(outcome, cause)

    @property
    def in_hand(self) -> int:
        """How many of its tasks this process does by itself, once it is committed."""
        return len(self.leased) + sum(birth.known_as_row for birth in self.begun.values())

    @property
    def empty(self) -> bool:
        return not (
            self.events or self.changes or self.tasks or self.dropped or self.calls or self.done
            or self.marks or self.parked or self.unparked
        )  # fmt: skip

    async def commit(self) -> None:
        """Write everything in one transaction, or nothing.

        Raises StaleState (decide again), Fenced (somebody else did it), or asyncpg's errors.
        """
        births = self.begin(self) if self.begin is not None else []
        if births:
            await self._commit_with(births)
        elif not self.empty:
            await self._commit()

    async def _commit_with(self, births: Sequence[Birth]) -> None:
        """The same, with the outcomes of work that is done in time."""
        self.begun = {birth.task.id: birth for birth in births}
        try:
            done = await a_moment(births)
            before = self._contents()
            try:
                await self._take_in(done)
                await self._commit()
            except (StaleState, Fenced, *IN_THE_WAY, *UNAVAILABLE):
                raise
            except Exception:
                if not done:
                    raise
                # Perhaps the outcomes are what is refused: each is recorded by itself then, like that of longer work.
                self._contain(before)
                done = []
                await self._commit()
            added = {task.id for task in self.leased}
            self.leased = [task for task in self.leased if task.id not in self.begun]
            for birth in done:
                birth.settle("recorded")
            for birth in births:
                birth.settle("row" if birth.task.id in added else "void")
        finally:
            for birth in births:
                birth.settle("void")

    async def _take_in(self, done: Sequence[Birth]) -> None:
        """Outcomes instead of tasks."""
        await self.prepare(
            [each for birth in done for each in birth.outcome or () if not isinstance(each, NO_COMMANDS)]
        )
        for birth in done:
            self.tasks.pop(birth.task.id, None)
            cause = Cause(birth.task.correlation_id, birth.task.causation_id, birth.task.actor, birth.traceparent)
            await self.follow(birth.outcome or (), cause)

    def _contents(self) -> tuple[Any, ...]:
        lengths = len(self.events), len(self.changes), len(self.dropped), len(self.calls)
        return dict(self.states), dict(self.tasks), *lengths

    def _contain(self, contents: tuple[Any, ...]) -> None:
        """What it contained then."""
        self.states, self.tasks, events, changes, dropped, calls = contents
        del self.events[events:], self.changes[changes:], self.dropped[dropped:], self.calls[calls:]
        self.leased = []

    async def _commit(self) -> None:
        await self.store.keys.prepare([user_id for event in self.events if (user_id := _private_of(event)) is not None])
        found = rows.batches(self.changes, self.store.database.primary_keys)
        try:
            async with self.store.database.pool.acquire() as connection:
                if self._independent(found):
                    await self._write_together(connection, found)
                else:
                    async with connection.transaction():
                        await self._write(connection, found)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == "events_stream_version":
                self.store.forget(self.states)
                raise StaleState from error
            raise
        self.store.remember(self.states)

    def _independent(self, found: Sequence[rows.Batch]) -> bool:
        """Whether what is written may be written at once; each new combination of statements has to be planned."""
        removed = {*self.dropped, *(task.id for task in self.done)}
        rare = self.parked or self.unparked or len(found) > MOST_TOGETHER or removed & self.tasks.keys()
        return not rare and rows.independent(found, self.store.database.several_keys)

    async def _write_together(self, connection: PoolConnection, found: Sequence[rows.Batch]) -> None:
        parts = self._kit_parts()
        parts += self.store.patches.parts(found)
        sql, arguments = together(parts)
        try:
            answer = await connection.fetchrow(sql, *arguments)
        except asyncpg.InvalidTextRepresentationError as error:
            if not is_unexpected(error):
                raise
            columns = [task.id for task in self.done], [task.lease_token for task in self.done]
            held = await connection.fetch(statements.HELD_TASKS, *columns) if self.done else []
            raise self._fenced(held) from error
        if self.tasks:
            self._keep_added(answer["added"] or ())

    async def _write(self, connection: PoolConnection, found: Sequence[rows.Batch]) -> None:
        for part in self._kit_parts():
            answer = await connection.fetch(part.sql, *part.arguments)
            if part.expected is not None and len(answer) != part.expected:
                raise self._fenced(answer if part.name == "struck" else [])
            if part.name == "added":
                self._keep_added([row[part.told] for row in answer])
        await rows.write(connection, found)
        if self.parked:
            await self._park(connection)
        for source, mark in self.unparked:
            if await connection.execute(statements.UNPARK, source, *_pair(mark)) != "DELETE 1":
                raise Fenced("The parked event was taken care of by somebody else.")

    def _kit_parts(self) -> list[Part]:
        """Everything but the rows of read tables and what was set aside."""
        parts = []
        if self.marks:
            parts.append(Part("marks", statements.MOVE_MARKS, mark_columns(self.marks), expected=len(self.marks)))
        if self.done:
            done = [task.id for task in self.done], [task.lease_token for task in self.done]
            parts.append(Part("struck", statements.STRIKE_TASKS, done, expected=len(self.done)))
        if self.events:
            parts.append(Part("appended", statements.APPEND, self._event_columns()))
        if self.dropped:
            parts.append(Part("dropped", statements.DROP_TASKS, [self.dropped]))
        if self.tasks:
            parts.append(Part("added", statements.ADD_TASKS, self._task_columns(), told="id"))
        called: dict[str, list[Any]] = {}
        for call in self.calls:
            called.setdefault(call.function, []).append(call.row)
        for function, given in called.items():
            # Told, because PostgreSQL does not run a part that nobody asks for.
            parts.append(Part(function, statements.CALL.format(function=function), [rows.dumps(given)], told="done"))
        return parts

    def _fenced(self, held: Sequence[Any]) -> Fenced:
        """Somebody else was faster; `held` are the rows of those tasks that are still ours."""
        if self.done:
            return LostLease(frozenset((row["id"], row["lease_token"]) for row in held))
        return Fenced("Another consumer of the group has moved on from here.")

    def _event_columns(self) -> list[list[Any]]:
        metas = [event.meta for event in self.events]
        return [
            [meta.stream_type for meta in metas],
            [meta.stream_id for meta in metas],
            [meta.version for meta in metas],
            [meta.event_id for meta in metas],
            [type(event).__name__ for event in self.events],
            [event.schema_version for event in self.events],
            [_bounded(event) for event in self.events],
            [self._sealed(event) for event in self.events],
            [meta.correlation_id for meta in metas],
            [meta.causation_id for meta in metas],
            [meta.actor for meta in metas],
            [meta.traceparent for meta in metas],
            [meta.recorded_at for meta in metas],
        ]

    def _sealed(self, event: Event) -> bytes | None:
        private = event.private_json()
        return None if private is None else self.store.keys.encrypt(private, _private_of(event))

    def _task_columns(self) -> list[list[Any]]:
        """The rows of tasks; those that are born leased are noted in `leased`."""
        now = datetime.now(UTC)
        leases: list[tuple[UUID | None, datetime | None]] = []
        promised: Counter[tuple[str, str]] = Counter()
        for task, cause in self.tasks.values():
            due = task.due_at is None or task.due_at <= now
            if (birth := self.begun.get(task.id)) is not None:
                leases.append((birth.task.lease_token, now + timedelta(seconds=birth.seconds)))
                self.leased.append(birth.task)
                continue
            place = (task.kind, task.lane)
            seconds = self.born_leased(*place, promised) if due and self.born_leased else 0
            if not seconds:
                leases.append((None, None))
                continue
            token = uuid4()
            promised[place] += 1
            leases.append((token, now + timedelta(seconds=seconds)))
            self.leased.append(leased(task, cause, token))
        entries = list(self.tasks.values())
        return [
            [task.id for task, _ in entries],
            [task.kind for task, _ in entries],
            [task.lane for task, _ in entries],
            [orjson.dumps(dict(task.payload), default=str).decode() for task, _ in entries],
            [task.due_at for task, _ in entries],
            [0 if token is None else 1 for token, _ in leases],
            [token for token, _ in leases],
            [until for _, until in leases],
            [cause.correlation_id for _, cause in entries],
            [cause.causation_id for _, cause in entries],
            [cause.actor for _, cause in entries],
            [cause.traceparent for _, cause in entries],
        ]

    def _keep_added(self, added: Collection[UUID]) -> None:
        """Of a row that was there, another lease holds."""
        inserted = set(added)
        self.leased = [task for task in self.leased if task.id in inserted]

    async def _park(self, connection: PoolConnection) -> None:
        wires = [parked.wire for parked in self.parked]
        await connection.execute(
            statements.PARK,
            [wire.source for wire in wires],
            [wire.mark.transaction_id for wire in wires],
            [wire.mark.position for wire in wires],
            [wire.meta.stream_id for wire in wires],
            [wire.meta.event_id for wire in wires],
            [wire.type for wire in wires],
            [orjson.dumps([(name, value.decode()) for name, value in headers(wire)]).decode() for wire in wires],
            [wire.data for wire in wires],
            [parked.attempts for parked in self.parked],
            [parked.error for parked in self.parked],
            [parked.next_attempt_at for parked in self.parked],
        )


def _private_of(event: Event) -> UUID | None:
    """The user whose private fields the event holds."""
    user_id: UUID | None = getattr(event, "user_id", None) if event.private_fields else None
    return user_id


def _pair(mark: Mark) -> tuple[int, int]:
    return mark.transaction_id, mark.position


def _bounded(event: Event) -> str:
    data = event.public_json()
    if len(data) > MAX_EVENT_BYTES:
        raise Invalid(
            f"This would make an event of {len(data)} bytes; at most {MAX_EVENT_BYTES} are allowed. "
            "Upload big content as a file and refer to it."
        )
    return data.decode()
