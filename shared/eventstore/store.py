"""The event store of one service: reading streams, with a bounded cache of their states."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg

from contracts.envelope import START, Event, Mark, Meta, Wire
from shared.database import Database
from shared.decider import Decider
from shared.eventstore import statements
from shared.eventstore.patches import Patches
from shared.eventstore.private_keys import PrivateKeys
from shared.security.fields import FieldCipher

CACHED_STREAMS = 8192


class StaleState(Exception):
    """Somebody else appended to the stream first; load it and decide again."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something happens: what every event appended because of it carries."""

    correlation_id: UUID
    causation_id: UUID | None = None
    actor: UUID | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A stream's state after its version-th event; version 0 is a stream that does not exist."""

    stream: str
    version: int
    state: Any


def meta_of(row: Mapping[str, Any]) -> Meta:
    """The meta of a row of `events`."""
    return Meta(
        event_id=row["event_id"],
        stream_type=row["stream_type"],
        stream_id=row["stream_id"],
        version=row["version"],
        recorded_at=row["recorded_at"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        actor=row["actor"],
        traceparent=row["traceparent"],
    )


class EventStore:
    """Reads a service's own events and knows the states of its streams.

    A cached state may be old, as other processes append too: an append on it is refused by the unique (stream,
    version), and a decision to append nothing is taken again on the stream itself (see Unit). States come from before
    the append's transaction has an id, which is what keeps a stream's order in commit order.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        registry: ModuleType,
        cipher: FieldCipher,
        deciders: Sequence[Decider[Any]],
        *,
        cached: int = CACHED_STREAMS,
    ) -> None:
        self.service = service
        self.database = database
        self.registry = registry
        self.cipher = cipher
        self.keys = PrivateKeys(database, cipher)
        self.patches = Patches()
        self._by_command = {command: decider for decider in deciders for command in decider.commands}
        self._by_stream = {decider.stream: decider for decider in deciders}
        self._cached = cached
        self._states: OrderedDict[UUID, Known] = OrderedDict()

    def decider(self, command: Any) -> Decider[Any]:
        """The decider of a command. Raises LookupError for a command no decider takes."""
        try:
            return self._by_command[type(command)]
        except KeyError:
            raise LookupError(f"No decider of {self.service} takes {type(command).__name__}.") from None

    def decider_of(self, stream: str) -> Decider[Any]:
        """The decider of a kind of stream. Raises LookupError for one this service does not have."""
        return self._by_stream[stream]

    def restore(self, row: Mapping[str, Any], *, private: bool = True) -> Event:
        """The event of a stored row, lifted to the current version; without private fields if its user is forgotten."""
        sealed = row["private"] if private else None
        opened = self.keys.decrypt(sealed, row["private_key"]) if sealed is not None else None
        event: Event = self.registry.restore(row["type"], row["schema_version"], row["data"], opened, meta_of(row))
        return event

    def wire(self, row: Mapping[str, Any], epoch: int, partitions: int = 1, previous: Mark = START) -> Wire:
        """A stored row as it travels; private fields stay behind."""
        return Wire(
            meta=meta_of(row),
            type=row["type"],
            schema_version=row["schema_version"],
            source=self.service,
            mark=Mark(row["transaction_id"], row["position"]),
            epoch=epoch,
            data=row["data"].encode(),
            partitions=partitions,
            previous=previous,
        )

    def cached(self, stream_id: UUID) -> Known | None:
        known = self._states.get(stream_id)
        if known is not None:
            self._states.move_to_end(stream_id)
        return known

    def remember(self, states: Mapping[UUID, Known]) -> None:
        """Keep states that are committed; one that was read before others appended does not replace theirs."""
        for stream_id, known in states.items():
            there = self._states.get(stream_id)
            if there is None or there.version < known.version:
                self._states[stream_id] = known
            self._states.move_to_end(stream_id)
        while len(self._states) > self._cached:
            self._states.popitem(last=False)

    def forget(self, stream_ids: Iterable[UUID]) -> None:
        """Drop states that proved old."""
        for stream_id in stream_ids:
            self._states.pop(stream_id, None)

    async def load(self, stream_ids: Iterable[UUID]) -> None:
        """Read streams into the cache, in one round trip; one that does not exist is known at version 0 to nobody."""
        found: dict[UUID, Known] = {}
        wanted = list(stream_ids)
        if not wanted:
            return
        for row in await self.database.pool.fetch(statements.LOAD, wanted):
            decider = self._by_stream[row["stream_type"]]
            before = found.get(row["stream_id"])
            state = decider.initial if before is None else before.state
            found[row["stream_id"]] = Known(decider.stream, row["version"], decider.evolve(state, self.restore(row)))
        self.remember(found)

    async def after(self, stream_id: UUID, version: int, limit: int = 500) -> list[Event]:
        """Events of a stream after a version, oldest first."""
        rows = await self.database.pool.fetch(statements.STREAM_AFTER, stream_id, version, limit)
        return [self.restore(row, private=False) for row in rows]

    async def any_after(self, mark: Mark, connection: asyncpg.Connection) -> bool:
        """Whether something is committed beyond a mark, though perhaps not to be read in order yet."""
        found = await connection.fetchval(statements.ANY_AFTER, str(mark.transaction_id), mark.position)
        return found is not None

    async def in_commit_order(
        self, after: Mark, limit: int, connection: asyncpg.Connection | None = None
    ) -> list[asyncpg.Record]:
        """Rows after a mark in commit order, none of which can be overtaken by a later commit."""
        reader = connection or self.database.pool
        rows: list[asyncpg.Record] = await reader.fetch(
            statements.IN_COMMIT_ORDER, str(after.transaction_id), after.position, limit
        )
        return rows
