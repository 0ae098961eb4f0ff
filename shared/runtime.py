"""Running a service: one process for everything, or one for each role."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from socket import socket
from typing import Any, get_args

import uvicorn
from fastapi import FastAPI

from shared import archive, internal_api
from shared.bus.reports import Reports
from shared.bus.wakes import Wakes
from shared.database import UNAVAILABLE
from shared.eventstore.partitions import Partitions
from shared.eventstore.unit import Unit
from shared.http.app import create_app
from shared.http.client import ServiceClient
from shared.http.verification import verifier
from shared.kit import Kit, Service
from shared.retention.daily import Daily
from shared.retention.months import Months
from shared.settings import Role, ServiceSettings
from shared.telemetry.logs import setup_logging
from shared.telemetry.tracing import setup_tracing, shutdown

logger = logging.getLogger(__name__)

# New objects before a look at the young ones; such looks before one at the middle ones, and of those before all.
_GARBAGE = (5_000, 20, 20)

_DEPTHS = """
SELECT kind,
       count(*) FILTER (WHERE leased_until IS NULL OR leased_until < now()) AS waiting,
       count(*) FILTER (WHERE leased_until >= now()) AS leased,
       coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at < now())), 0) AS age
FROM tasks GROUP BY kind
"""
_OUTBOX = """
SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(recorded_at)), 0) AS age
FROM (SELECT recorded_at FROM events, relay_cursor AS cursor
      WHERE (events.transaction_id, events.position) > (cursor.transaction_id::text::xid8, cursor.position)
      ORDER BY events.transaction_id, events.position LIMIT 10000) AS unpublished
"""
_PARKED = "SELECT count(DISTINCT (source, stream_id)) FROM parked_events"


def build(service: Service, settings: ServiceSettings, role: Role = "all") -> FastAPI:
    """The service's application. Its lifespan starts and stops whatever the role asks for."""
    kit = Kit(service, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(kit, role) as client:
            app.state.client = client
            app.state.verifier = verifier(client)
            yield

    routers = [internal_api.router, archive.router, *service.routers] if role in ("all", "http") else []
    app = create_app(
        title=f"Presswork {service.name}",
        service=service.name,
        routers=routers,
        lifespan=lifespan,
        checks=_checks(kit, role),
        body_limits=dict(service.body_limits),
        deadlines=dict(service.deadlines),
        metrics=kit.metrics,
    )
    app.state.kit = kit
    return app


@asynccontextmanager
async def running(kit: Kit, role: Role) -> AsyncIterator[ServiceClient]:
    """Everything a role runs, until the block is left: then work in flight is finished first."""
    async with AsyncExitStack() as stack:
        await _open(kit)
        stack.push_async_callback(kit.database.close)
        client = await stack.enter_async_context(ServiceClient(kit.settings.urls(), kit.settings.internal_token))
        kit.client = client
        kit.metrics.on_scrape(lambda: _measure(kit))
        tasks = _tasks(kit, role, client)
        workers = tasks.pop("workers", None)
        # Joining a consumer group takes seconds: meanwhile the tools are opened, which only workers and routes need.
        stack.push_async_callback(_end, _begin(tasks))
        stack.push_async_callback(kit.consumer.stop)
        if kit.service.tools is not None:
            kit.tools = await stack.enter_async_context(kit.service.tools(kit))
        if workers is not None:
            stack.push_async_callback(_end, _begin({"workers": workers}))
        yield client


def _begin(tasks: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(_kept_alive(name, run), name=name) for name, run in tasks.items()]


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Stop them; each has a moment for what is in flight."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=8)


def _tasks(kit: Kit, role: Role, client: ServiceClient) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
    tasks: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
    if role in ("all", "relay"):
        tasks["relay"] = kit.relay.run
        tasks["partitions"] = Partitions(kit.database).run
        if kit.service.months:
            tasks["months"] = Months(kit.database, kit.service.months).run
    if role in ("all", "consumer") and kit.sources:
        tasks["consumer"] = kit.consumer.run
        tasks["reports"] = Reports(kit.service.name, kit.consumer, client).run
    if role in ("all", "worker") and kit.reactions.workers:
        tasks["workers"] = kit.workers.run
    if role in ("all", "worker") and kit.service.retention:
        tasks["retention"] = Daily(kit).run
    if role in ("all", "worker") and kit.trailing.follows:
        tasks["trailing"] = kit.trailing.run
    if role != "all":
        wakes = Wakes(kit.database, kit.service.name)
        if role == "relay":
            tasks["wakes"] = lambda: wakes.run(kit.relay.wake)
        elif role == "worker":
            tasks["wakes"] = lambda: wakes.run(kit.workers.wake)

        def tell(unit: Unit) -> None:
            if unit.events or unit.tasks or unit.calls:
                wakes.tell()

        kit.listeners.append(tell)
    return tasks


async def _open(kit: Kit) -> None:
    """A database that is not there yet is waited for."""
    delay = 0.1
    while True:
        try:
            await kit.database.open()
        except UNAVAILABLE as error:
            logger.warning("the database cannot be reached (%s); trying again", error or type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 3.0)
        else:
            return


async def _kept_alive(name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A part that ends by an unforeseen error is started again, loudly."""
    while True:
        try:
            await run()
        except Exception:
            logger.exception("%s stopped unexpectedly; it is started again", name)
            await asyncio.sleep(1)
        else:
            return


def _checks(kit: Kit, role: Role) -> dict[str, Callable[[], Awaitable[object]]]:
    checks: dict[str, Callable[[], Awaitable[object]]] = {"database": kit.database.ready}

    async def subscribed() -> None:
        if not kit.consumer.assigned:
            raise LookupError("no partitions yet")

    if role in ("all", "consumer") and kit.sources:
        checks["subscription"] = subscribed
    return checks


async def _measure(kit: Kit) -> None:
    """Gauges that cost a query."""
    rows = await kit.database.pool.fetch(_DEPTHS)
    kit.metrics.todo_depth.clear()
    kit.metrics.todo_age.clear()
    for row in rows:
        kit.metrics.todo_depth.labels(row["kind"], "waiting").set(row["waiting"])
        kit.metrics.todo_depth.labels(row["kind"], "leased").set(row["leased"])
        kit.metrics.todo_age.labels(row["kind"]).set(float(row["age"]))
    outbox = await kit.database.pool.fetchrow(_OUTBOX)
    kit.metrics.outbox_depth.set(outbox["depth"])
    kit.metrics.outbox_age.set(float(outbox["age"]))
    kit.metrics.parked_keys.set(await kit.database.pool.fetchval(_PARKED))


def main(service: Service) -> None:
    """`python -m services.<name> [--role ROLE]`."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    parser.add_argument("--role", choices=get_args(Role), default="all", help="what this process does; default: all")
    role: Role = parser.parse_args().role
    settings = service.settings()
    observe(service.name, settings)
    serve(build(service, settings, role), settings)


def observe(service: str, settings: ServiceSettings) -> None:
    """Logs and traces as the settings say; before anything else is built."""
    setup_logging(service, settings.log_format, settings.log_level)
    setup_tracing(
        service,
        traces_dir=settings.traces_dir,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_ratio,
        per_second=settings.traces_per_second,
    )


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, finishing what is in flight and writing out the last spans."""
    with ExitStack() as stack:
        stack.callback(shutdown)
        stack.enter_context(suppress(KeyboardInterrupt))
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            backlog=1024,
        )
        SettledServer(config).run()


class SettledServer(uvicorn.Server):
    """Looks for cyclic garbage only among what came after the start, and less often."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        # What libraries and models made stays for good: walking it took 7 % of the services' time under load.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
