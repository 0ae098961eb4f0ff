"""What Prometheus reads."""

import asyncio

from shared.telemetry.metrics import Metrics


async def test_a_scrape_shows_the_service_its_figures_and_its_process() -> None:
    metrics = Metrics("generation")
    metrics.events_heard.labels("DraftRequested").inc(3)
    metrics.consumer_lag.labels("presswork.workflow", "0").set(12)
    body, content_type = await metrics.render()
    text = body.decode()
    assert content_type.startswith("text/plain")
    assert 'presswork_service_info{service="generation"} 1.0' in text
    assert 'presswork_events_heard_total{type="DraftRequested"} 3.0' in text
    assert 'presswork_consumer_lag_events{partition="0",topic="presswork.workflow"} 12.0' in text
    assert "process_resident_memory_bytes" in text
    assert "process_cpu_seconds_total" in text


async def test_figures_that_cost_a_query_are_fetched_at_the_scrape_and_one_that_fails_hides_no_other() -> None:
    metrics = Metrics("generation")

    async def fails() -> None:
        raise ConnectionError("the database is away")

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def counts() -> None:
        metrics.outbox_depth.set(7)

    metrics.refresh_seconds = 0.05
    for refresh in (fails, hangs, counts):
        metrics.on_scrape(refresh)
    body, _ = await metrics.render()
    assert "presswork_outbox_depth_events 7.0" in body.decode()


async def test_the_endpoint_answers_in_the_format_that_was_asked_for() -> None:
    metrics, sent = Metrics("generation"), []

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"accept", b"application/openmetrics-text; version=1.0.0")]}
    await metrics.app(scope, None, send)  # type: ignore[arg-type]
    start, body = sent
    headers = dict(start["headers"])  # type: ignore[index]
    assert headers[b"content-type"].startswith(b"application/openmetrics-text")
    assert body["body"].endswith(b"# EOF\n")  # type: ignore[index]


def test_every_figure_of_ours_is_named_alike_and_two_services_share_nothing() -> None:
    one, other = Metrics("one"), Metrics("other")
    one.parked_keys.set(1)
    assert other.registry.get_sample_value("presswork_parked_keys") == 0
    names = {metric.name for metric in one.registry.collect()}
    ours = {name for name in names if not name.startswith(("process_", "python_"))}
    assert ours
    assert all(name.startswith("presswork_") for name in ours)
