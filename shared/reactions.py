"""Reactions: an event heard becomes commands and tasks; workers do the tasks outside any transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from shared.ids import derive
from shared.projection import RowChange


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done: one row of the to-do list. The id is derived from what asked for it."""

    id: UUID
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None  # None: now
    lane: str = ""  # tasks of one lane share a limit, as a platform's rate


def twice(event: Event, kind: str, payload: Mapping[str, Any], after: timedelta) -> list[Task]:
    """The same to be done now, and again so long after the event: what was under way then may have left something."""
    event_id, again = event.meta.event_id, event.meta.recorded_at + after
    return [Task(derive(event_id, kind), kind, payload), Task(derive(event_id, "sweep"), kind, payload, again)]


@dataclass(frozen=True, slots=True)
class Strike:
    """The task need not be done any more."""

    task_id: UUID


@dataclass(frozen=True, slots=True)
class Call:
    """A row for a function of the service's schema that answers nothing that anybody waits for: rows of one transaction
    go to it together, as one JSON array. It may put tasks on the list by itself."""

    function: str
    row: Mapping[str, Any]


NO_COMMANDS = Task | Strike | Call  # what a reaction may answer beside commands


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task in the hands of a worker. `attempts` above 1: an earlier attempt may have acted already."""

    id: UUID
    kind: str
    lane: str
    payload: Mapping[str, Any]
    attempts: int
    lease_token: UUID
    correlation_id: UUID
    causation_id: UUID | None
    actor: UUID | None
    traceparent: str | None
    beside: Sequence[RowChange] = ()  # rows that its transaction writes too, when the work begins before they are there


class RetryLater(Exception):
    """The work could not be done now; try again after `seconds`. With `counts=False` the attempt is not counted."""

    def __init__(self, seconds: float, reason: str, *, counts: bool = True) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason
        self.counts = counts


class GiveUp(Exception):
    """The work will never succeed; the reason says what to do instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


LaneLimit = Mapping[str, int] | Callable[[Any], Mapping[str, int]]  # or how the settings give it
Outcome = Any  # a command, a Task, a Strike, a Call, a sequence of them, or None
Reaction = Callable[[Any], Outcome]
Work = Callable[[LeasedTask, Any], Awaitable[Sequence[Any]]]
Resignation = Callable[[LeasedTask, str], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Worker:
    """How one kind of task is done."""

    kind: str
    run: Work
    lease: float  # seconds after which another worker may take the task
    attempts: int
    concurrency: int
    lane_limit: LaneLimit
    harmless: bool = False


def on(*events: type) -> Callable[[Reaction], Reaction]:
    """Marks a pure function that answers these events."""

    def mark(function: Reaction) -> Reaction:
        function.__dict__["__hears__"] = events
        return function

    return mark


def overhear(events: Iterable[type[Event]], only_while: str) -> Callable[[Reaction], Reaction]:
    """Marks a pure function that answers these events, those of others only while the statement says true.

    It is asked after the event was received, once for what came together; what is passed by is not even read.
    """

    def mark(function: Reaction) -> Reaction:
        function.__dict__.update(__hears__=tuple(events), __only_while__=only_while)
        return function

    return mark


def work(
    kind: str,
    *,
    lease: float,
    attempts: int = 4,
    concurrency: int = 8,
    lane_limit: LaneLimit | None = None,
    harmless: bool = False,
) -> Callable[[Work], Work]:
    """Marks the worker of a kind of task.

    `lane_limit` says how many tasks of a lane one process may run at a time; other lanes share `concurrency`.
    `harmless` work changes nothing outside, and its outcome recorded twice is as good as once: it may begin before what
    asks for it is committed. It finds the rows that will be written then in `task.beside`.
    """

    def mark(function: Work) -> Work:
        limits = lane_limit or {}
        function.__dict__["__works__"] = Worker(kind, function, lease, attempts, concurrency, limits, harmless)
        return function

    return mark


def gave_up(kind: str) -> Callable[[Resignation], Resignation]:
    """Marks what is said when a task of this kind is given up."""

    def mark(function: Resignation) -> Resignation:
        function.__dict__["__gave_up__"] = kind
        return function

    return mark


class Reactions:
    """All reactions and workers of a service. `concurrency` by kind of task overrides what its worker names."""

    def __init__(self, *modules: ModuleType, concurrency: Mapping[str, int] | None = None) -> None:
        at_once = concurrency or {}
        self._by_event: dict[type[Event], list[Reaction]] = defaultdict(list)
        self.always: set[type[Event]] = set()
        self.sometimes: dict[type[Event], str] = {}  # to the statement that says whether
        self.workers: dict[str, Worker] = {}
        self.resignations: dict[str, Resignation] = {}
        for module in modules:
            for function in vars(module).values():
                for event in getattr(function, "__hears__", ()):
                    self._by_event[event].append(function)
                    if (only_while := getattr(function, "__only_while__", None)) is None:
                        self.always.add(event)
                    else:
                        self.sometimes[event] = only_while
                if worker := getattr(function, "__works__", None):
                    worker = replace(worker, concurrency=at_once.get(worker.kind, worker.concurrency))
                    self.workers[worker.kind] = worker
                if kind := getattr(function, "__gave_up__", None):
                    self.resignations[kind] = function

    @property
    def events(self) -> frozenset[type[Event]]:
        return frozenset(self._by_event)

    def outcomes(self, event: Any) -> list[Any]:
        """Commands, tasks, strikes and calls that follow from the event."""
        found: list[Any] = []
        for react in self._by_event.get(type(event), ()):
            result = react(event)
            if result is None:
                continue
            if isinstance(result, list | tuple):
                found.extend(result)
            else:
                found.append(result)
        return found
