"""The X connector against the sandbox: good paths, and every way X can refuse or fall silent."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from services.publishing.connectors import Connection, Image, Post, PublishError, Withheld
from services.publishing.connectors.x import XConnector
from services.publishing.domain.commands import Figures
from shared.platforms import measure
from tests.pictures import png
from tests.sandbox.client import SandboxClient
from tests.sandbox.server import running
from tests.servers.between import between

LONG = " ".join(f"Sentence number {n} says one more thing about logs." for n in range(20))


@pytest.fixture(scope="module")
async def running_sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as base_url:
        yield SandboxClient(base_url)


@pytest.fixture
async def sandbox(running_sandbox: SandboxClient) -> SandboxClient:
    await running_sandbox.reset()
    return running_sandbox


@pytest.fixture
async def x(sandbox: SandboxClient) -> AsyncIterator[XConnector]:
    connector = XConnector(sandbox.base_url, timeout=60)
    yield connector
    await connector.close()


def post(content: str = "A log is kept, not sent.", hashtags: tuple[str, ...] = ("kafka", "#logs")) -> Post:
    return Post(uuid4(), uuid4(), uuid4(), "x", "Title", content, hashtags, datetime.now(UTC))


def connection(token: str = "sandbox-ada", **settings: Any) -> Connection:
    return Connection(uuid4(), "x", None, "ada", token, settings)


async def refusal(x: XConnector, post: Post, connection: Connection | None) -> PublishError:
    with pytest.raises(PublishError) as refused:
        await x.publish(post, connection)
    assert refused.value.reason.endswith(".")
    if connection is not None:
        assert connection.access_token not in refused.value.reason
    return refused.value


async def test_a_post_is_published_at_an_address_that_opens(x: XConnector, sandbox: SandboxClient) -> None:
    published = await x.publish(post(), connection())
    [seen] = await sandbox.accepted()
    assert seen["text"] == "A log is kept, not sent.\n\n#kafka #logs"
    assert published.platform_post_id == seen["id"]
    assert published.url == seen["url"]
    async with aiohttp.request("GET", published.url) as page:
        assert "A log is kept" in await page.text()


async def test_hashtags_the_text_carries_are_not_added_again(x: XConnector, sandbox: SandboxClient) -> None:
    await x.publish(post("A log about #Kafka.", ("kafka", "event sourcing")), connection())
    assert [p["text"] for p in await sandbox.accepted()] == ["A log about #Kafka.\n\n#eventsourcing"]


async def test_a_long_text_becomes_a_thread_of_replies(x: XConnector, sandbox: SandboxClient) -> None:
    published = await x.publish(post(LONG), connection())
    thread = await sandbox.accepted()
    assert len(thread) > 2
    assert all(measure("x", p["text"]) <= 280 for p in thread)
    assert [p["in_reply_to"] for p in thread] == [None, *(p["id"] for p in thread[:-1])]
    assert published.response["ids"] == [p["id"] for p in thread]
    assert published.platform_post_id == thread[0]["id"]
    assert "".join("".join(p["text"] for p in thread).split()) == "".join(f"{LONG}#kafka#logs".split())


async def test_wide_letters_count_twice(x: XConnector, sandbox: SandboxClient) -> None:
    await x.publish(post("漢" * 150, ()), connection())
    assert [measure("x", p["text"]) for p in await sandbox.accepted()] == [280, 20]


async def test_a_longer_limit_of_the_account_is_used(x: XConnector) -> None:
    error = await refusal(x, post(LONG), connection(max_length=4000))
    assert error.error_class == "bad_content"
    assert "too long" in error.reason


async def test_a_post_is_found_after_an_answer_that_never_came(sandbox: SandboxClient) -> None:
    x = XConnector(sandbox.base_url, timeout=0.5)
    try:
        await sandbox.fault("x", "timeout_after_accept")
        sent = post("Ampersands & <angles> at https://example.com/a.")
        assert (await refusal(x, sent, connection())).error_class == "outcome_unknown"
        found = await x.find(sent, connection())
        [seen] = await sandbox.accepted()
        assert found is not None
        assert found.platform_post_id == seen["id"]
        assert found.url == seen["url"]
        assert await x.find(post("Another text."), connection()) is None
        assert await x.find(sent, connection("sandbox-bob")) is None
    finally:
        await x.close()


async def test_a_thread_cut_short_is_gone_on_with_not_posted_twice(x: XConnector, sandbox: SandboxClient) -> None:
    sent = post(LONG)
    await x.publish(sent, connection())
    whole = [p["text"] for p in await sandbox.accepted()]
    await sandbox.reset()

    await sandbox.fault("x", "slow", seconds=0.01)
    await sandbox.fault("x", "500_after_accept")
    assert (await refusal(x, sent, connection())).error_class == "outcome_unknown"
    assert [p["text"] for p in await sandbox.accepted()] == whole[:2]
    assert await x.find(sent, connection()) is None

    published = await x.publish(sent, connection())
    assert [p["text"] for p in await sandbox.accepted()] == whole
    assert await x.find(sent, connection()) == published


async def test_find_reads_more_than_one_page(x: XConnector, sandbox: SandboxClient) -> None:
    sent = post("The oldest post.")
    published = await x.publish(sent, connection())
    for n in range(99):
        await x.publish(post(f"Post number {n}."), connection())
    assert (await refusal(x, post("One too many."), connection())).error_class == "rate_limited"
    assert len(await sandbox.accepted()) == 100
    assert await x.find(sent, connection()) == published


async def test_a_duplicate_is_refused_and_not_posted(x: XConnector, sandbox: SandboxClient) -> None:
    await x.publish(post(), connection())
    error = await refusal(x, post(), connection())
    assert error.error_class == "bad_content"
    assert "Reword" in error.reason
    assert len(await sandbox.accepted()) == 1


async def test_the_limit_names_when_it_ends(x: XConnector, sandbox: SandboxClient) -> None:
    for n in range(100):
        await x.publish(post(f"Post number {n}."), connection("sandbox-eve"))
    error = await refusal(x, post("Post number 101."), connection("sandbox-eve"))
    assert error.error_class == "rate_limited"
    assert error.retry_at is not None
    assert timedelta(minutes=14) < error.retry_at - datetime.now(UTC) <= timedelta(minutes=15, seconds=2)
    assert len(await sandbox.accepted()) == 100


async def test_a_limit_without_a_reset_waits_a_minute(x: XConnector, sandbox: SandboxClient) -> None:
    await sandbox.fault("x", "429_without_reset")
    error = await refusal(x, post(), connection())
    assert error.error_class == "rate_limited"
    assert error.retry_at is not None
    assert timedelta(seconds=55) < error.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


async def test_an_expired_token_is_renewed_where_it_can_be(x: XConnector) -> None:
    assert (await refusal(x, post(), connection("sandbox-expired"))).error_class == "disconnected"
    renewable = replace(connection("sandbox-expired"), renewable=True)
    assert (await refusal(x, post(), renewable)).error_class == "refresh_token"


async def test_a_foreign_token_and_no_account_are_disconnected(x: XConnector) -> None:
    assert (await refusal(x, post(), connection("forged"))).error_class == "disconnected"
    assert (await refusal(x, post(), None)).error_class == "disconnected"


async def test_a_token_that_may_not_write_is_disconnected(x: XConnector) -> None:
    assert (await refusal(x, post(), connection("sandbox-readonly"))).error_class == "disconnected"


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [("http_500", "outcome_unknown"), ("500_after_accept", "outcome_unknown"), ("200_with_error", "bad_content")],
)
async def test_a_failure_is_classed_by_what_it_leaves_open(
    x: XConnector, sandbox: SandboxClient, kind: str, error_class: str
) -> None:
    await sandbox.fault("x", kind)
    assert (await refusal(x, post(), connection())).error_class == error_class
    assert len(await sandbox.accepted()) == (kind == "500_after_accept")


async def test_a_slow_answer_is_waited_for(x: XConnector, sandbox: SandboxClient) -> None:
    await sandbox.fault("x", "slow", seconds=0.2)
    await x.publish(post(), connection())
    assert len(await sandbox.accepted()) == 1


async def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    x = XConnector(f"http://127.0.0.1:{port}", timeout=2)
    assert (await refusal(x, post(), connection())).error_class == "transient"
    await x.close()


async def test_a_connection_that_breaks_after_sending_leaves_the_outcome_open() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    x = XConnector(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=2)
    assert (await refusal(x, post(), connection())).error_class == "outcome_unknown"
    with pytest.raises(PublishError) as failed:
        await x.find(post(), connection(user_id="1"))
    assert failed.value.error_class == "transient"
    await x.close()
    server.close()


async def test_an_accepting_server_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        x = XConnector(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        start = time.monotonic()
        assert (await refusal(x, post(), connection())).error_class == "outcome_unknown"
        assert time.monotonic() - start < 30  # a client that were never told would wait five minutes
        await x.close()


@pytest.mark.parametrize(
    "content", ["", "  \n ", "Same line here.\n\n" + "x" * 270 + "\n\nSame line here.\n\n" + "y" * 270]
)
async def test_texts_that_cannot_be_posted_are_refused_before_anything_is_sent(
    x: XConnector, sandbox: SandboxClient, content: str
) -> None:
    assert (await refusal(x, replace(post(content, ())), connection())).error_class == "bad_content"
    assert await sandbox.accepted() == []


async def test_a_thread_of_more_than_a_hundred_posts_is_refused(x: XConnector, sandbox: SandboxClient) -> None:
    text = " ".join(f"Sentence number {n} says one more thing about logs." for n in range(700))
    assert (await refusal(x, post(text), connection())).error_class == "bad_content"
    assert await sandbox.accepted() == []


async def test_the_real_api_gives_real_addresses() -> None:
    x = XConnector("https://api.x.com", timeout=5)
    assert x._published(["12"], "@ada").url == "https://x.com/ada/status/12"
    await x.close()


def picture(alt_text: str = "A loaf.", size: int = 0, kind: str = "image/png") -> Image:
    return Image(png(size), kind, alt_text, "loaf.png")


async def test_images_go_with_the_first_post_and_carry_their_alternative_texts(
    x: XConnector, sandbox: SandboxClient
) -> None:
    images = tuple(picture(f"Loaf {n}.") for n in range(4))
    await x.publish(replace(post(LONG), images=images), connection())
    first, *others = await sandbox.accepted()
    assert [alt_text for _, alt_text in first["raw"]["images"]] == ["Loaf 0.", "Loaf 1.", "Loaf 2.", "Loaf 3."]
    assert all(other["raw"]["images"] == [] for other in others)


async def test_images_that_x_does_not_take_are_refused_before_anything_is_sent(
    x: XConnector, sandbox: SandboxClient
) -> None:
    for images, token, error_class, says in (
        ((picture(),) * 5, "sandbox-ada", "bad_content", "at most 4 images"),
        ((picture("x" * 1001),), "sandbox-ada", "bad_content", "at most 1000"),
        ((picture(size=5_300_000),), "sandbox-ada", "bad_content", "Make it smaller"),
        ((picture(kind="image/bmp"),), "sandbox-ada", "bad_content", "no image/bmp"),
        ((picture(),), "sandbox-readonly", "disconnected", "media.write"),
    ):
        error = await refusal(x, replace(post(), images=images), connection(token))
        assert (error.error_class, says in error.reason) == (error_class, True), error.reason
    assert await sandbox.accepted() == []


async def test_a_thread_is_measured_as_one_post_and_its_own_answers_do_not_count(
    x: XConnector, sandbox: SandboxClient
) -> None:
    published = await x.publish(post(LONG), connection())
    ids = published.response["ids"]
    assert await x.measure(ids, connection()) == Figures(0, 0, 0, 0, 0)
    await sandbox.doing(ids[0], likes=5, comments=2, shares=1, quotes=1, views=400)
    await sandbox.doing(ids[-1], likes=2, views=90)
    assert await x.measure(ids, connection()) == Figures(likes=7, comments=2, shares=1, quotes=1, views=400)


async def test_a_post_that_is_gone_has_no_figures_and_a_dead_token_reads_none(x: XConnector) -> None:
    with pytest.raises(Withheld, match="no more"):
        await x.measure(["1"], connection())
    for token in ("sandbox-expired", "forged"):
        with pytest.raises(PublishError) as refused:
            await x.measure(["1"], connection(token))
        assert refused.value.error_class == "disconnected"


@pytest.mark.parametrize(
    "answered",
    [
        {"errors": [{"title": "Invalid Request", "detail": "Something is wrong."}]},
        {"data": {"id": "1"}},
        {"data": [{"id": "1", "public_metrics": 7}, None, "1"]},
        {},
    ],
)
async def test_an_answer_that_says_nothing_of_the_post_is_asked_for_again(
    sandbox: SandboxClient, answered: dict[str, Any]
) -> None:
    async with between(sandbox.base_url) as way:
        way.error = answered
        way.order("/2/tweets", "200_with_error")
        x = XConnector(way.url, timeout=60)
        with pytest.raises(PublishError, match="asked again later") as unclear:
            await x.measure(["1"], connection())
        assert unclear.value.error_class == "transient"
        await x.close()


async def test_figures_that_are_none_count_as_nothing(sandbox: SandboxClient) -> None:
    async with between(sandbox.base_url) as way:
        metrics = {"like_count": "many", "reply_count": -1, "retweet_count": True, "quote_count": 2}
        way.error = {"data": [{"id": "1", "public_metrics": metrics}]}
        way.order("/2/tweets", "200_with_error")
        x = XConnector(way.url, timeout=60)
        assert await x.measure(["1"], connection()) == Figures(likes=0, comments=0, shares=0, quotes=2, views=None)
        await x.close()


async def test_reading_too_often_says_until_when_to_wait(x: XConnector) -> None:
    reader = connection("sandbox-reader")
    for _ in range(9):
        await asyncio.gather(*(_asked(x, reader) for _ in range(100)))
    with pytest.raises(PublishError) as refused:
        await x.measure(["1"], reader)
    assert refused.value.error_class == "rate_limited"
    assert refused.value.retry_at is not None
    assert timedelta(0) < refused.value.retry_at - datetime.now(UTC) <= timedelta(seconds=902)


async def _asked(x: XConnector, reader: Connection) -> None:
    with pytest.raises(Withheld):
        await x.measure(["1"], reader)
