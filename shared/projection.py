"""Projections: pure functions from an event to changes of rows, folded per row and written set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

from contracts.envelope import Event

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Insert:
    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Upsert:
    """Insert, or change just these columns: for rows that events of different services fill in any order."""

    table: str
    key: Row
    values: Row


@dataclass(frozen=True, slots=True)
class Update:
    table: str
    key: Row
    values: Row


@dataclass(frozen=True, slots=True)
class Add:
    table: str
    key: Row
    deltas: Row


@dataclass(frozen=True, slots=True)
class Delete:
    table: str
    key: Row


RowChange = Insert | Upsert | Update | Add | Delete


def insert(table: str, **columns: Any) -> Insert:
    """A new row; a second row of the same key fails the transaction."""
    return Insert(table, columns)


def upsert(table: str, key: Row, **columns: Any) -> Upsert:
    """A new row, or these columns of the row that is there."""
    return Upsert(table, key, columns)


def update(table: str, key: Row, **columns: Any) -> Update:
    """New values for a row; nothing when the row is not there."""
    return Update(table, key, columns)


def add(table: str, key: Row, **deltas: Any) -> Add:
    """Count up (or down) columns of a row that is there."""
    return Add(table, key, deltas)


def delete(table: str, **key: Any) -> Delete:
    """The row goes."""
    return Delete(table, key)


def inserted(changes: Iterable[RowChange], table: str, **key: Any) -> Row | None:
    """The row of this key that one of the changes inserts."""
    for change in changes:
        if isinstance(change, Insert) and change.table == table and key.items() <= change.row.items():
            return change.row
    return None


Changes = RowChange | Sequence[RowChange] | None
Projector = Callable[[Any, datetime], Changes]
StateProjector = Callable[[Any, datetime, Any], Changes]


def projects(*events: type) -> Callable[[Projector], Projector]:
    """Marks a function as the projection of these events."""

    def mark(function: Projector) -> Projector:
        function.__dict__["__projects__"] = events
        return function

    return mark


def projects_state(*events: type) -> Callable[[StateProjector], StateProjector]:
    """Marks a function that also gets the state of the event's stream after it: for the service's own events only."""

    def mark(function: StateProjector) -> StateProjector:
        function.__dict__["__projects_state__"] = events
        return function

    return mark


class Projections:
    """All projections of a service, by event."""

    def __init__(self, *modules: ModuleType) -> None:
        self._by_event: dict[type[Event], list[Projector]] = defaultdict(list)
        self._of_state: dict[type[Event], list[StateProjector]] = defaultdict(list)
        for module in modules:
            for function in vars(module).values():
                for event in getattr(function, "__projects__", ()):
                    self._by_event[event].append(function)
                for event in getattr(function, "__projects_state__", ()):
                    self._of_state[event].append(function)

    @property
    def events(self) -> frozenset[type[Event]]:
        return frozenset(self._by_event) | frozenset(self._of_state)

    @property
    def streams(self) -> frozenset[str]:
        """The kinds of streams whose states are asked for."""
        return frozenset(event.stream for event in self._of_state)

    def changes(self, event: Any, state: Any = None) -> list[RowChange]:
        """What this event changes, in order; `state` of its stream after it, where a projection asks for it."""
        at = event.meta.recorded_at
        found: list[RowChange] = []
        for project in self._by_event.get(type(event), ()):
            _take(project(event, at), found)
        for project_state in self._of_state.get(type(event), ()):
            _take(project_state(event, at, state), found)
        return found


def _take(result: Changes, found: list[RowChange]) -> None:
    if result is None:
        return
    if isinstance(result, Insert | Upsert | Update | Add | Delete):
        found.append(result)
    else:
        found.extend(result)


class InsertedTwice(ValueError):
    """Two inserts of one row in one transaction, which PostgreSQL would refuse as well."""


@dataclass(slots=True)
class Folded:
    """What one transaction does to one row, all of it: `deleted`, then `before`, then `inserted` or upserted, then
    what is left of `values` and `deltas`."""

    table: str
    key: Row
    deleted: bool = False
    inserted: Row | None = None
    upserted: bool = False
    values: Row = field(default_factory=dict)
    deltas: Row = field(default_factory=dict)
    before: tuple[Row, Row] | None = None  # values and deltas from before an upsert: only for a row that was there

    def take(self, change: RowChange) -> None:
        match change:
            case Insert(row=row):
                if self.inserted is not None or self.upserted:
                    raise InsertedTwice(f"A second insert of a row of {self.table}: {self.key}.")
                self._begin(dict(row))
            case Upsert(values=values):
                if self.inserted is None and not self.upserted:
                    if self.deleted:
                        self._begin({**self.key, **values})
                        return
                    if self.values or self.deltas:
                        self.before, self.values, self.deltas = (self.values, self.deltas), {}, {}
                    self.upserted = True
                self._set(values)
            case Update(values=values):
                if not self._gone:
                    self._set(values)
            case Add(deltas=deltas):
                if not self._gone:
                    self._count(deltas)
            case Delete():
                self.deleted, self.inserted, self.upserted, self.before = True, None, False, None
                self.values, self.deltas = {}, {}

    @property
    def _gone(self) -> bool:
        return self.deleted and self.inserted is None

    def _begin(self, row: Row) -> None:
        self.inserted, self.values, self.deltas, self.before = row, {}, {}, None

    def _set(self, values: Row) -> None:
        (self.values if self.inserted is None else self.inserted).update(values)
        for name in values:
            self.deltas.pop(name, None)

    def _count(self, deltas: Row) -> None:
        known = self.values if self.inserted is None else self.inserted
        for name, delta in deltas.items():
            if name not in known:
                self.deltas[name] = self.deltas.get(name, 0) + delta
            elif known[name] is not None:  # as in SQL, nothing plus something is nothing
                known[name] += delta


def fold(changes: Iterable[RowChange], primary_keys: Mapping[str, tuple[str, ...]]) -> list[Folded]:
    """One entry a row, in order of first appearance.

    Raises KeyError for a table that the schema does not have, InsertedTwice for a row that comes twice.
    """
    rows: dict[tuple[str, tuple[Any, ...]], Folded] = {}
    for change in changes:
        columns = primary_keys[change.table]
        source = change.row if isinstance(change, Insert) else change.key
        # a key of one column is the rule, and a generator would cost more than the rest
        key = (source[columns[0]],) if len(columns) == 1 else tuple(source[name] for name in columns)
        identity = (change.table, key)
        folded = rows.get(identity)
        if folded is None:
            folded = rows[identity] = Folded(change.table, dict(zip(columns, key, strict=True)))
        folded.take(change)
    return list(rows.values())
