"""The Bluesky connector against a real personal data server: posts, threads, and every way it can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from services.publishing.connectors import Connection, Image, Post, PublishError, Withheld
from services.publishing.connectors.bluesky import BlueskyConnector
from services.publishing.domain.commands import Figures
from shared.ids import new_id
from shared.platforms import measure
from tests.conftest import absent
from tests.pictures import png
from tests.sandbox import appview
from tests.sandbox.client import SandboxClient
from tests.sandbox.server import running
from tests.servers.between import Between, between
from tests.servers.bluesky import Account, BlueskyServer

PUT = "com.atproto.repo.putRecord"
LOG_IN = "com.atproto.server.createSession"
LONG = " ".join(f"Sentence number {n} says one more thing about logs." for n in range(20))


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as url:
        yield SandboxClient(url)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxClient) -> AsyncIterator[BlueskyServer]:
    if (why := BlueskyServer.available()) is not None:
        absent(why)
    started = BlueskyServer(tmp_path_factory.mktemp("bluesky"), (sandbox.base_url, appview.DID))
    await asyncio.to_thread(started.start)
    yield started
    started.stop()


@pytest.fixture
async def way(server: BlueskyServer) -> AsyncIterator[Between]:
    async with between(server.url) as found:
        yield found


@pytest.fixture
async def ada(server: BlueskyServer) -> Account:
    return await server.account(f"ada-{uuid4().hex[:8]}")


@pytest.fixture
async def bluesky() -> AsyncIterator[BlueskyConnector]:
    connector = BlueskyConnector(60, allow_private=True)
    yield connector
    await connector.close()


def post(content: str = "A log is kept, not sent.", hashtags: tuple[str, ...] = ("kafka",), **more: Any) -> Post:
    return Post(new_id(), uuid4(), uuid4(), "bluesky", "Title", content, hashtags, datetime.now(UTC), **more)


def connection(account: Account, url: str, **more: Any) -> Connection:
    return replace(Connection(uuid4(), "bluesky", url, account.handle, account.app_password), **more)


async def refusal(bluesky: BlueskyConnector, sent: Post, through: Connection | None) -> PublishError:
    with pytest.raises(PublishError) as refused:
        await bluesky.publish(sent, through)
    assert refused.value.reason.endswith(".")
    if through is not None:
        assert through.access_token not in refused.value.reason
    return refused.value


async def test_a_post_stands_with_links_and_hashtags_marked(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account
) -> None:
    sent = post(
        "Größe zählt: https://example.org/a?b=1 und example.com 👨‍👩‍👧. #schon", ("event sourcing",), language="de"
    )
    published = await bluesky.publish(sent, connection(ada, server.url))
    [record] = await server.records(ada)
    assert record["value"]["langs"] == ["de"]
    text = record["value"]["text"]
    assert text.endswith("👨‍👩‍👧. #schon\n\n#eventsourcing")
    marked = {
        text.encode()[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(): facet["features"][0]
        for facet in record["value"]["facets"]
    }
    assert {shown: feature.get("uri") or feature.get("tag") for shown, feature in marked.items()} == {
        "https://example.org/a?b=1": "https://example.org/a?b=1",
        "example.com": "https://example.com",
        "#schon": "schon",
        "#eventsourcing": "eventsourcing",
    }
    assert published.platform_post_id == record["uri"]
    assert published.url == f"https://bsky.app/profile/{ada.handle}/post/{record['uri'].rpartition('/')[2]}"
    written = datetime.fromisoformat(record["value"]["createdAt"])
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_long_text_becomes_a_thread_of_posts_that_fit(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account
) -> None:
    published = await bluesky.publish(post(LONG), connection(ada, server.url))
    thread = await server.records(ada)
    assert len(thread) > 2
    assert [record["uri"] for record in thread] == published.response["uris"]
    assert all(measure("bluesky", record["value"]["text"]) <= 300 for record in thread)
    first = {"uri": thread[0]["uri"], "cid": thread[0]["cid"]}
    assert "reply" not in thread[0]["value"]
    for before, record in pairwise(thread):
        parent = {"uri": before["uri"], "cid": before["cid"]}
        assert record["value"]["reply"] == {"root": first, "parent": parent}
    said = "".join("".join(record["value"]["text"] for record in thread).split())
    assert said == "".join(f"{LONG}#kafka".split())


async def test_graphemes_count_once_and_bytes_have_a_limit_too(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account
) -> None:
    await bluesky.publish(post("한" * 300, ()), connection(ada, server.url))
    await bluesky.publish(post("👨‍👩‍👧‍👦" * 300, ()), connection(ada, server.url))
    texts = [record["value"]["text"] for record in await server.records(ada)]
    assert measure("bluesky", texts[0]) == 300
    assert len(texts) > 2
    assert all(len(text.encode()) <= 3000 for text in texts)


@pytest.mark.parametrize("trouble", ["answer_lost", "never_answers", "http_500"])
async def test_an_answer_that_never_came_is_looked_up_and_nothing_stands_twice(
    server: BlueskyServer, way: Between, ada: Account, trouble: Any
) -> None:
    bluesky = BlueskyConnector(5 if trouble == "never_answers" else 60, allow_private=True)
    through, sent = connection(ada, way.url), post()
    way.order(PUT, trouble)
    assert (await refusal(bluesky, sent, through)).error_class == "outcome_unknown"
    found = await bluesky.find(sent, through)
    again = await bluesky.publish(sent, through)
    [record] = await server.records(ada)
    assert found == again
    assert again.platform_post_id == record["uri"]
    assert await bluesky.find(post(), through) is None
    await bluesky.close()


async def test_a_thread_that_broke_off_goes_on_where_it_stands(
    bluesky: BlueskyConnector, server: BlueskyServer, way: Between, ada: Account
) -> None:
    through, sent = connection(ada, way.url), post(LONG)
    whole = await bluesky.publish(replace(sent, job_id=new_id()), through)
    before = len(await server.records(ada))
    way.order(PUT, "answer_lost")
    assert (await refusal(bluesky, sent, through)).error_class == "outcome_unknown"
    assert await bluesky.find(sent, through) is None
    later = replace(sent, published_at=sent.published_at + timedelta(days=1), asked_at=sent.published_at)
    published = await bluesky.publish(later, through)
    assert len(published.response["uris"]) == len(whole.response["uris"])
    assert len(await server.records(ada)) == 2 * before


async def test_a_session_that_is_over_is_opened_again_and_one_log_in_serves_many_posts(
    bluesky: BlueskyConnector, server: BlueskyServer, way: Between, ada: Account
) -> None:
    through = connection(ada, way.url)
    await bluesky.publish(post("One."), through)
    await bluesky.publish(post("Two."), through)
    assert sum(LOG_IN in call for call in way.passed) == 1
    bluesky._sessions[through.id].headers["Authorization"] = "Bearer of-no-use"
    await bluesky.publish(post("Three."), through)
    assert sum(LOG_IN in call for call in way.passed) == 2
    assert len(await server.records(ada)) == 3


@pytest.mark.parametrize(
    ("where", "trouble", "error_class", "says"),
    [
        (LOG_IN, "503_before", "transient", "Try again"),
        (LOG_IN, "answer_lost", "transient", "Nothing was posted"),
        (LOG_IN, "429_without_reset", "rate_limited", "nothing was posted"),
        (LOG_IN, "200_with_error", "disconnected", "check its address"),
        (PUT, "429_without_reset", "rate_limited", "nothing was posted"),
        (PUT, "200_with_error", "bad_content", "Something is wrong"),
        (PUT, "503_before", "outcome_unknown", "Look at your account"),
    ],
)
async def test_each_trouble_ends_in_a_clear_state(
    bluesky: BlueskyConnector,
    server: BlueskyServer,
    way: Between,
    ada: Account,
    where: str,
    trouble: Any,
    error_class: str,
    says: str,
) -> None:
    way.order(where, trouble)
    error = await refusal(bluesky, post(), connection(ada, way.url))
    assert error.error_class == error_class
    assert says in error.reason
    if error_class == "rate_limited":
        assert error.retry_at is not None
        assert error.retry_at > datetime.now(UTC)
    assert await server.records(ada) == []


async def test_what_cannot_be_posted_is_refused_with_what_to_do(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account
) -> None:
    here = connection(ada, server.url)
    for sent, through, error_class, says in (
        (post("  ", ()), here, "bad_content", "empty"),
        (post("Sentence. " * 4000), here, "bad_content", "Shorten it"),
        (post(), None, "disconnected", "Connect one"),
        (post(), replace(here, access_token="wrong", id=uuid4()), "disconnected", "app password"),
        (post(), replace(here, username="nobody.test", id=uuid4()), "disconnected", "app password"),
        (post(), replace(here, instance_url="http://127.0.0.1:9"), "transient", "could not be reached"),
    ):
        if through is not None and through.instance_url != here.instance_url:
            through = replace(through, id=uuid4())
        error = await refusal(bluesky, sent, through)
        assert error.error_class == error_class
        assert says in error.reason
    assert await server.records(ada) == []


async def test_no_app_password_goes_into_a_private_network(server: BlueskyServer, ada: Account) -> None:
    careful = BlueskyConnector(5)
    error = await refusal(careful, post(), connection(ada, server.url))
    assert error.error_class == "disconnected"
    assert "cannot be reached" in error.reason
    await careful.close()


async def test_whose_account_it_is_is_asked_anew(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account
) -> None:
    through = connection(ada, server.url, username=f"@{ada.handle}")
    assert await bluesky.whose(through) == ada.handle
    with pytest.raises(PublishError, match="app password"):
        await bluesky.whose(replace(through, access_token="wrong"))


async def test_images_stand_in_the_first_post_with_their_alternative_texts(
    bluesky: BlueskyConnector, server: BlueskyServer, way: Between, ada: Account
) -> None:
    through = connection(ada, way.url)
    images = (Image(png(), "image/png", "A loaf.", "a.png"), Image(png(999_000), "image/png", "Crumbs.", "b.png"))
    sent = post(LONG, images=images)
    way.order(PUT, "answer_lost")
    assert (await refusal(bluesky, sent, through)).error_class == "outcome_unknown"
    await bluesky.publish(sent, through)
    first, *others = await server.records(ada)
    shown = first["value"]["embed"]["images"]
    assert [image["alt"] for image in shown] == ["A loaf.", "Crumbs."]
    assert [await server.blob(ada, image["image"]["ref"]["$link"]) for image in shown] == [i.data for i in images]
    assert all("embed" not in record["value"] for record in others)


async def test_images_that_bluesky_does_not_take_are_refused_before_anything_is_sent(
    bluesky: BlueskyConnector, server: BlueskyServer, way: Between, ada: Account
) -> None:
    through, loaf = connection(ada, way.url), Image(png(), "image/png", "A loaf.", "a.png")
    for images, says in (
        ((loaf,) * 5, "at most 4 images"),
        ((replace(loaf, data=png(1_000_001)),), "Make it smaller"),
        ((replace(loaf, alt_text="x" * 2001),), "at most 2000"),
    ):
        error = await refusal(bluesky, post(images=images), through)
        assert (error.error_class, says in error.reason) == ("bad_content", True), error.reason
    way.order("uploadBlob", "never_answers")
    hasty = BlueskyConnector(5, allow_private=True)
    error = await refusal(hasty, post(images=(loaf,)), through)
    assert (error.error_class, "Nothing was posted" in error.reason) == ("transient", True)
    await hasty.close()
    assert await server.records(ada) == []


async def test_a_thread_is_measured_as_one_post_by_the_app_view_that_its_server_asks(
    bluesky: BlueskyConnector, server: BlueskyServer, ada: Account, sandbox: SandboxClient
) -> None:
    through = connection(ada, server.url)
    published = await bluesky.publish(post(LONG * 8), through)
    uris = published.response["uris"]
    assert len(uris) > 25
    with pytest.raises(Withheld, match="no more"):
        await bluesky.measure(uris, through)
    for number, uri in enumerate(uris):
        await sandbox.doing(uri, likes=1, comments=int(number < len(uris) - 1), shares=int(number == 0))
    assert await bluesky.measure(uris, through) == Figures(likes=len(uris), comments=0, shares=1, quotes=0)


@pytest.mark.parametrize(
    ("trouble", "error_class"),
    [("503_before", "transient"), ("429_without_reset", "rate_limited"), ("200_with_error", "transient")],
)
async def test_figures_that_cannot_be_had_now_leave_the_connection_alone(
    bluesky: BlueskyConnector, way: Between, ada: Account, trouble: Any, error_class: str
) -> None:
    way.order("app.bsky.feed.getPosts", trouble)
    with pytest.raises(PublishError) as refused:
        await bluesky.measure([f"at://{ada.did}/app.bsky.feed.post/1"], connection(ada, way.url))
    assert refused.value.error_class == error_class
