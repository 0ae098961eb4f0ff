"""States of own streams after each of their events, for projections that ask for them outside a decision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from shared.database import PoolConnection
from shared.decider import Decider
from shared.eventstore import statements
from shared.eventstore.store import EventStore

REMEMBERED = 20_000  # states between pages of events


@dataclass(frozen=True, slots=True)
class _Folded:
    version: int
    state: Any


class Folding:
    """Follows streams of some kinds through their events; what it forgot or never saw it reads from the store."""

    def __init__(self, store: EventStore, streams: Collection[str]) -> None:
        self._store = store
        self._deciders: Mapping[str, Decider[Any]] = {stream: store.decider_of(stream) for stream in streams}
        self._known: OrderedDict[UUID, _Folded] = OrderedDict()

    async def prepare(self, connection: PoolConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Read what is missing in order to go through these rows of `events`, each stream in its order."""
        first: dict[UUID, int] = {}
        for row in rows:
            if row["stream_type"] in self._deciders:
                first.setdefault(row["stream_id"], row["version"])
        missing = {
            stream_id: version
            for stream_id, version in first.items()
            if version > 1 and ((known := self._known.get(stream_id)) is None or known.version != version - 1)
        }
        if not missing:
            return
        states: dict[UUID, _Folded] = {}
        for row in await connection.fetch(statements.LOAD_BEFORE, list(missing), list(missing.values())):
            decider, before = self._deciders[row["stream_type"]], states.get(row["stream_id"])
            state = decider.evolve(decider.initial if before is None else before.state, self._store.restore(row))
            states[row["stream_id"]] = _Folded(row["version"], state)
        self._known.update(states)

    def after(self, events: Sequence[Event]) -> list[Any]:
        """The state after each event of the rows that were prepared; None for events of other kinds of streams."""
        found: list[Any] = []
        for event in events:
            decider = self._deciders.get(event.stream)
            if decider is None:
                found.append(None)
                continue
            stream_id, version = event.meta.stream_id, event.meta.version
            before = self._known.get(stream_id)
            state = decider.evolve(decider.initial if before is None or version == 1 else before.state, event)
            self._known[stream_id] = _Folded(version, state)
            self._known.move_to_end(stream_id)
            found.append(state)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found
