"""What happens to heard events: decided together, written once, and set aside when they fail."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.envelope import Mark, Wire, parse, topic
from shared.bus.marks import Marks, Place
from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.eventstore.births import Birth
from shared.eventstore.store import Cause, EventStore, StaleState
from shared.eventstore.unit import Fenced, MarkMove, Parked, Unit
from shared.reactions import NO_COMMANDS
from shared.settings import ServiceSettings
from shared.telemetry import semconv
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import SpanKind, child_of, sampled, start_span_at

logger = logging.getLogger(__name__)

RETRYING = 0.25  # seconds at a time for events that were set aside

_PARKED_STREAMS = "SELECT DISTINCT source, stream_id FROM parked_events"
# The first parked event of each stream, when it is time to try it (again).
_DUE = """
SELECT source, headers, data, attempts
FROM (SELECT DISTINCT ON (source, stream_id) * FROM parked_events
      ORDER BY source, stream_id, transaction_id, position) AS head
WHERE next_attempt_at <= now() OR attempts = 0
LIMIT 100
"""
_FAILED_AGAIN = """
UPDATE parked_events SET attempts = $4, error = $5, next_attempt_at = $6
WHERE source = $1 AND transaction_id = $2 AND position = $3
"""


class Stopping(Exception):
    """The service ends while its database is away: what was heard is heard again next time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of interest and where it was heard."""

    wire: Wire
    place: Place
    offset: int


class Inbox:
    """Takes what was heard. `made` is told of each committed unit (it wakes the relay and the workers); `begin` begins
    harmless work that a unit asks for; `sometimes` are events that are of interest while a statement says so."""

    def __init__(
        self,
        settings: ServiceSettings,
        store: EventStore,
        new_unit: Callable[[], Unit],
        made: Callable[[Unit], None],
        hears: frozenset[str],
        metrics: Metrics,
        begin: Callable[[Unit], list[Birth]] | None = None,
        sometimes: Mapping[str, str] | None = None,
    ) -> None:
        self.store = store
        self.marks = Marks(store.database)
        self._settings = settings
        self._new_unit = new_unit
        self._made = made
        self._hears = hears
        self._sometimes = sometimes or {}
        self._metrics = metrics
        self._group = f"presswork-{store.service}"
        self._begin = begin
        self._proven: set[Place] = set()  # places of which something took effect since the marks were read
        self._parked: set[tuple[str, UUID]] = set()
        self._stopping = False

    def stop(self) -> None:
        """Wait no longer for a database that is away."""
        self._stopping = True

    def hears(self, event_type: str) -> bool:
        """Whether this service has any interest in the event."""
        return event_type in self._hears

    async def hears_now(self, event_type: str, asked: dict[str, bool]) -> bool:
        """Whether an event is of interest just now; `asked` remembers answers for what was received together."""
        statement = self._sometimes.get(event_type)
        if statement is None:
            return False
        if statement not in asked:
            asked[statement] = bool(await self.store.database.pool.fetchval(statement))
        return asked[statement]

    async def load(self) -> None:
        """How far was heard, and which streams wait."""
        self._proven = set()
        await self.marks.load()
        await self._load_parked()

    async def take(self, heard: Sequence[Heard], reached: Mapping[Place, tuple[Mark, int]]) -> None:
        """Let these events take effect, once, as long as it takes. Raises Fenced when others did."""
        moves = self.marks.moves(reached)
        if not heard:
            self.marks.owe(moves)
            return
        waiting = [each for each in heard if self._waits(each.wire)]
        free = [each for each in heard if not self._waits(each.wire)]
        try:
            await self._patiently(free, moves, [_behind(each.wire) for each in waiting], begin=self._beginner(heard))
        except (Fenced, Stopping):
            raise
        except Exception as error:  # of a decider, a projection or the database: one event may be all that is wrong
            logger.warning("a batch of %d failed (%s); each is tried alone", len(heard), _said(error))
            for each in heard:
                await self._alone(each, reached[each.place][1])
            moves = self.marks.moves(reached)
            self.marks.owe(moves)
        else:
            self.marks.moved(moves)
            self._proven.update(each.place for each in heard)
        if waiting:
            self._metrics.parked_keys.set(len(self._parked))

    async def retry_parked(self) -> None:
        """Try parked streams whose time has come, event by event, for a moment: others flow meanwhile."""
        if not self._parked:
            return
        until = time.monotonic() + RETRYING
        while (rows := await self.store.database.pool.fetch(_DUE)) and time.monotonic() < until:
            for row in rows:
                await self._retry(row)
        await self._load_parked()

    def _beginner(self, heard: Sequence[Heard]) -> Callable[[Unit], list[Birth]] | None:
        """Work begins early only beyond what is heard first: what kills the process comes first the next time, and only
        on the to-do list are its attempts counted."""
        return self._begin if all(each.place in self._proven for each in heard) else None

    def _waits(self, wire: Wire) -> bool:
        return (wire.source, wire.meta.stream_id) in self._parked

    async def _load_parked(self) -> None:
        rows = await self.store.database.pool.fetch(_PARKED_STREAMS)
        self._parked = {(row["source"], row["stream_id"]) for row in rows}
        self._metrics.parked_keys.set(len(self._parked))

    async def _alone(self, each: Heard, epoch: int) -> None:
        """One event, its mark with it; a failure sets its stream aside."""
        wire = each.wire
        moves = self.marks.moves({each.place: (wire.mark, epoch)})
        if self._waits(wire):
            await self._patiently([], moves, [_behind(wire)])
        else:
            try:
                await self._patiently([each], moves)
            except (Fenced, Stopping):
                raise
            except Exception as error:  # whatever it is, events of other streams go on
                logger.error("%s %s is set aside: %s", wire.type, wire.meta.event_id, _said(error))
                self._metrics.event_retries.labels(wire.type).inc()
                await self._patiently([], moves, [Parked(wire, 1, _said(error), self._next_attempt(1))])
                self._parked.add((wire.source, wire.meta.stream_id))
                self._metrics.parked_keys.set(len(self._parked))
        self.marks.moved(moves)

    async def _retry(self, row: Any) -> None:
        wire = parse([(name, value.encode()) for name, value in row["headers"]], row["data"])
        try:
            await self._patiently([Heard(wire, (wire.source, 0, 0), -1)], [], unparked=wire)
        except Fenced:
            return
        except Stopping:
            raise
        except Exception as error:  # it failed again, however
            attempts = row["attempts"] + 1
            self._metrics.event_retries.labels(wire.type).inc()
            await self.store.database.pool.execute(
                _FAILED_AGAIN,
                wire.source,
                wire.mark.transaction_id,
                wire.mark.position,
                attempts,
                _said(error),
                self._next_attempt(attempts),
            )
            if attempts >= self._settings.event_attempts:
                logger.error("%s %s waits for an operator: %s", wire.type, wire.meta.event_id, _said(error))

    async def _patiently(
        self,
        heard: Sequence[Heard],
        moves: Sequence[MarkMove],
        parked: Sequence[Parked] = (),
        *,
        unparked: Wire | None = None,
        begin: Callable[[Unit], list[Birth]] | None = None,
    ) -> None:
        """One transaction; again while others are in the way or the database is away. Other errors are the events'."""
        started, careful, delay = time.time_ns(), False, 0.02
        while True:
            unit = self._new_unit()
            unit.careful = careful
            unit.begin, begin = begin, None  # once: who tries again leaves work to its row
            try:
                causes = await self._decide(unit, heard)
                unit.marks.extend(moves)
                unit.parked.extend(parked)
                if unparked is not None:
                    unit.unparked.append((unparked.source, unparked.mark))
                await unit.commit()
            except (StaleState, *IN_THE_WAY):
                careful = True
                await asyncio.sleep(random.uniform(0, 0.005))
            except UNAVAILABLE as error:
                if self._stopping:
                    raise Stopping("The database is away.") from error
                logger.warning("the database of %s is away (%s)", self.store.service, error or type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            else:
                self._made(unit)
                self._note(heard, causes, started)
                return

    async def _decide(self, unit: Unit, heard: Sequence[Heard]) -> list[Cause]:
        """All effects of these events, in memory."""
        causes, answers = [], []
        for each in heard:
            event = self.store.registry.decode(each.wire)
            meta = event.meta
            cause = Cause(meta.correlation_id, meta.event_id, meta.actor, child_of(meta.traceparent))
            causes.append(cause)
            unit.changes.extend(unit.projections.changes(event))
            answers.append(unit.reactions.outcomes(event))
        await unit.prepare([each for answer in answers for each in answer if not isinstance(each, NO_COMMANDS)])
        for cause, answer in zip(causes, answers, strict=True):
            await unit.follow(answer, cause)
        return causes

    def _note(self, heard: Sequence[Heard], causes: Sequence[Cause], started: int) -> None:
        ended = time.time_ns()
        counts: dict[str, int] = {}
        for each, cause in zip(heard, causes, strict=True):
            wire, meta = each.wire, each.wire.meta
            counts[wire.type] = counts.get(wire.type, 0) + 1
            self._metrics.event_delivery.observe(max(0.0, ended / 1e9 - meta.recorded_at.timestamp()))
            if meta.traceparent is None or not sampled(meta.traceparent):
                continue
            start_span_at(
                semconv.process_name(wire.type),
                SpanKind.CONSUMER,
                meta.traceparent,
                semconv.processing(
                    topic(wire.source),
                    group=self._group,
                    partition=each.place[2],
                    offset=each.offset,
                    event_id=str(meta.event_id),
                    event_type=wire.type,
                    stream_id=str(meta.stream_id),
                    correlation=str(meta.correlation_id),
                ),
                started,
                ended,
                own=cause.traceparent,
            )
        for kind, count in counts.items():
            self._metrics.events_heard.labels(kind).inc(count)

    def _next_attempt(self, attempts: int) -> datetime | None:
        """When to try again; None: only when an operator says so."""
        if attempts >= self._settings.event_attempts:
            return None
        return datetime.now(UTC) + timedelta(seconds=self._settings.event_backoff * 2 ** (attempts - 1))


def _behind(wire: Wire) -> Parked:
    return Parked(wire, 0, "waits for an earlier event of the same stream", None)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
