"""A service put together: everything the kit offers, around one service's deciders, reactions and projections."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from contracts.envelope import Event
from shared.bus.consumer import Consumer
from shared.bus.inbox import Inbox
from shared.bus.relay import Relay
from shared.commands import Asked, Commands
from shared.database import Database
from shared.decider import Decider
from shared.eventstore.store import Cause, EventStore
from shared.eventstore.unit import Unit
from shared.http.client import ServiceClient
from shared.projection import Projections, RowChange
from shared.reactions import Reactions
from shared.retention import Rule, daily
from shared.security.fields import FieldCipher
from shared.settings import ServiceSettings
from shared.telemetry.context import bind_correlation, current_traceparent
from shared.telemetry.metrics import Metrics
from shared.trailing import Trailing
from shared.worker import Workers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is made of. `tools` opens what its workers and routes need (engines, connectors, clients)."""

    name: str
    settings: type[ServiceSettings]
    registry: ModuleType
    deciders: Sequence[Decider[Any]]
    projections: Sequence[ModuleType]
    reactions: Sequence[ModuleType]
    routers: Sequence[APIRouter]
    trailing: Sequence[ModuleType] = ()  # projections whose rows are written after the commit of the event
    retention: Sequence[Rule] = ()
    months: Sequence[str] = ()  # tables in parts by month
    tools: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None
    secrets: Mapping[str, frozenset[str]] = field(default_factory=dict)  # columns that leave no table, by table
    body_limits: Mapping[str, int] = field(default_factory=dict)
    deadlines: Mapping[str, float] = field(default_factory=dict)


class Kit:
    """The running parts of one service in one process. Open with `start`, close with `stop`."""

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self.service = service
        self.settings = settings
        self.metrics = Metrics(service.name)
        self.database = Database(
            settings.database_url, size=settings.database_pool, application=f"presswork-{service.name}"
        )
        self.projections = Projections(*service.projections)
        recurring = [daily] if service.retention else []
        self.reactions = Reactions(*service.reactions, *recurring, concurrency=settings.concurrency())
        self.store = EventStore(
            service.name,
            self.database,
            service.registry,
            FieldCipher([key for key in settings.field_keys.split(",") if key]),
            service.deciders,
        )
        trailing = Projections(*service.trailing)
        self.trailing = Trailing(self.store, trailing, settings.trailing_seconds)
        self.read_tables = Projections(*service.projections, *service.trailing)
        interesting = self.projections.events | self.reactions.events
        foreign: set[type[Event]] = {event for event in interesting if event.owner != service.name}
        self.sources = sorted({event.owner for event in foreign})
        self.tools: Any = None
        self.client: ServiceClient | None = None  # set while running
        self.relay = Relay(settings, self.store, self.metrics)
        self.workers = Workers(self.store, self.reactions, self.unit, self.made, self, self.metrics)
        always = self.projections.events | self.reactions.always
        self.inbox = Inbox(
            settings,
            self.store,
            self.unit,
            self.made,
            frozenset(event.__name__ for event in foreign & always),
            self.metrics,
            self.workers.begin,
            {event.__name__: only for event, only in self.reactions.sometimes.items() if event in foreign - always},
        )
        self.consumer = Consumer(settings, self.inbox, self.sources, self.metrics)
        self.commands = Commands(self.unit, self.made)
        self.listeners: list[Callable[[Unit], None]] = []

    def unit(self) -> Unit:
        """A new transaction's worth of decisions."""
        return Unit(self.store, self.projections, self.reactions, self.workers.lease_for)

    def made(self, unit: Unit) -> None:
        """A unit is committed: wake whoever goes on from it."""
        if unit.events:
            self.relay.wake()
            counts: dict[str, int] = {}
            for event in unit.events:
                counts[type(event).__name__] = counts.get(type(event).__name__, 0) + 1
            for name, count in counts.items():
                self.metrics.events_appended.labels(name).inc(count)
        if unit.leased:
            self.workers.offer(unit.leased)
        if len(unit.tasks) > unit.in_hand or unit.calls:
            self.workers.wake()
        for listen in self.listeners:
            listen(unit)

    async def handle(
        self, command: Any, *, actor: UUID | None, changes: Sequence[RowChange] = (), also: Sequence[Any] = ()
    ) -> Any:
        """Carry out a command (and `also` these, or tasks) in one transaction, and return the state of its stream.

        Raises DomainError when it is refused; asyncpg's errors for what the database refuses.
        """
        correlation = getattr(command, "correlation_id", self.store.decider(command).stream_id(command))
        bind_correlation(str(correlation))
        cause = Cause(correlation, None, actor, current_traceparent())
        return await self.commands.carry_out(Asked(command, cause, also, changes))


def kit_of(request: Request) -> Kit:
    """The kit of the service that answers the request."""
    kit: Kit = request.app.state.kit
    return kit
