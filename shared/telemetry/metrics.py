"""Prometheus figures of one service: a registry of its own, its instruments by name, and the `/metrics` endpoint."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope, Send

Refresh = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVENT_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0)
_WORK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """The instruments of `service`, each an attribute; units stand in the names.

    Count a batch once per type (`metrics.events_heard.labels(type).inc(n)`), not once per event.
    """

    def __init__(self, service: str) -> None:
        registry = self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        Info("presswork_service", "Which service this is", registry=registry).info({"service": service})
        self._refreshes: list[Refresh] = []
        self.refresh_seconds = 2.0

        self.http_request_duration = Histogram(
            "presswork_http_request_duration_seconds",
            "Time to answer a request (a live stream: to its first byte); its _count is the number of requests",
            ("method", "route", "status"),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self.http_requests_in_progress = Gauge(
            "presswork_http_requests_in_progress", "Requests being answered, live streams included", registry=registry
        )

        self.events_appended = Counter(
            "presswork_events_appended_total", "Events appended to the own store", ("type",), registry=registry
        )
        self.events_published = Counter(
            "presswork_events_published_total", "Events published to Kafka by the relay", ("type",), registry=registry
        )
        self.events_heard = Counter(
            "presswork_events_heard_total",
            "Events of the bus whose effects are committed",
            ("type",),
            registry=registry,
        )
        self.event_delivery = Histogram(
            "presswork_event_delivery_seconds",
            "From an event's commit to the commit of its effects here",
            buckets=_EVENT_BUCKETS,
            registry=registry,
        )
        self.event_retries = Counter(
            "presswork_event_retries_total", "Attempts to handle an event that failed", ("type",), registry=registry
        )

        self.consumer_lag = Gauge(
            "presswork_consumer_lag_events",
            "Events of an assigned partition not yet heard",
            ("topic", "partition"),
            registry=registry,
        )
        self.consumer_batch_duration = Histogram(
            "presswork_consumer_batch_duration_seconds",
            "One consume transaction, from fetch to commit",
            ("topic",),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self.consumer_restarts = Counter(
            "presswork_consumer_restarts_total", "Times a dead consumer was started again", registry=registry
        )
        self.parked_keys = Gauge("presswork_parked_keys", "Keys whose events wait for an operator", registry=registry)

        self.outbox_age = Gauge(
            "presswork_outbox_age_seconds", "Age of the oldest event not yet published; 0 when none", registry=registry
        )
        self.outbox_depth = Gauge("presswork_outbox_depth_events", "Events not yet published", registry=registry)
        self.relay_publish_duration = Histogram(
            "presswork_relay_publish_duration_seconds",
            "One batch of the relay, from read to cursor",
            buckets=_EVENT_BUCKETS,
            registry=registry,
        )

        self.todo_depth = Gauge(
            "presswork_todo_depth_tasks", "Tasks on the to-do list", ("kind", "state"), registry=registry
        )
        self.todo_age = Gauge(
            "presswork_todo_age_seconds",
            "How long the oldest due task has been due; 0 when none",
            ("kind",),
            registry=registry,
        )
        self.work_duration = Histogram(
            "presswork_work_duration_seconds",
            "One attempt at a task; outcome is done, retry or gave_up",
            ("kind", "outcome"),
            buckets=_WORK_BUCKETS,
            registry=registry,
        )

        self.token_budget_alarms = Counter(
            "presswork_token_budget_alarms_total",
            "Times four fifths (neared) or all (exhausted) of a day's tokens were used, by a user or by everybody",
            ("level", "whose"),
            registry=registry,
        )

        self.retention_removed = Counter(
            "presswork_retention_removed_total", "What went because it was too old", ("rule",), registry=registry
        )

        self.retention_stopped = Counter(
            "presswork_retention_stopped_total", "Times a rule of retention stopped", ("rule",), registry=registry
        )

    def on_scrape(self, refresh: Refresh) -> None:
        """Run `refresh` before each scrape: for gauges that cost a query, such as depths and ages.

        Each has `refresh_seconds` (2); one that fails or takes longer is logged and leaves its gauges as they were.
        """
        self._refreshes.append(refresh)

    async def render(self, accept: str = "") -> tuple[bytes, str]:
        """The figures now, as (body, content type), in the exposition format `accept` asks for."""
        if self._refreshes:
            await asyncio.gather(*(self._run(refresh) for refresh in self._refreshes))
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application to mount at `/metrics`."""
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        body, content_type = await self.render(accept)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _run(self, refresh: Refresh) -> None:
        try:
            async with asyncio.timeout(self.refresh_seconds):
                await refresh()
        except Exception:  # the other figures are given all the same
            _log.warning("figures could not be refreshed before a scrape", exc_info=True)
