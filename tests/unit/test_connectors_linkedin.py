"""The LinkedIn connector against the sandbox: good paths, and every way LinkedIn can refuse or fall silent."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publishing.connectors import Connection, Image, Post, PublishError, Withheld
from services.publishing.connectors.linkedin import LinkedInConnector, little_text
from services.publishing.domain.commands import Figures
from tests.pictures import png
from tests.sandbox.client import SandboxClient
from tests.sandbox.little_text import decoded
from tests.sandbox.server import running
from tests.servers.between import between

VERSION = "202610"


@pytest.fixture(scope="module")
async def running_sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as base_url:
        yield SandboxClient(base_url)


@pytest.fixture
async def sandbox(running_sandbox: SandboxClient) -> SandboxClient:
    await running_sandbox.reset()
    return running_sandbox


@pytest.fixture
async def linkedin(sandbox: SandboxClient) -> AsyncIterator[LinkedInConnector]:
    connector = LinkedInConnector(sandbox.base_url, VERSION, timeout=60)
    yield connector
    await connector.close()


def post(content: str = "A log is kept (not sent) @ all times.", hashtags: tuple[str, ...] = ("kafka",)) -> Post:
    return Post(uuid4(), uuid4(), uuid4(), "linkedin", "Title", content, hashtags, datetime.now(UTC))


def connection(token: str = "sandbox-ada", **settings: Any) -> Connection:
    return Connection(uuid4(), "linkedin", None, "ada", token, settings)


async def refusal(linkedin: LinkedInConnector, post: Post, connection: Connection | None) -> PublishError:
    with pytest.raises(PublishError) as refused:
        await linkedin.publish(post, connection)
    assert refused.value.reason.endswith(".")
    return refused.value


@given(st.text(alphabet="ab #_|[]*(){}@<>~\\\n漢1", max_size=60))
def test_little_text_reads_back_as_the_text(text: str) -> None:
    assert decoded(little_text(text)) == text.replace("＃", "#")


def test_hashtags_become_templates_and_the_rest_is_escaped() -> None:
    assert little_text("C# (and F#) #event_sourcing!") == r"C\# \(and F\#\) {hashtag|\#|event\_sourcing}!"


async def test_a_post_is_published_as_members_read_it_at_an_address_that_opens(
    linkedin: LinkedInConnector, sandbox: SandboxClient
) -> None:
    published = await linkedin.publish(post(), connection())
    [seen] = await sandbox.accepted()
    assert seen["text"] == "A log is kept (not sent) @ all times.\n\n#kafka"
    assert published.platform_post_id == seen["id"]
    assert published.platform_post_id.startswith("urn:li:share:")
    assert published.url == seen["url"]
    async with aiohttp.request("GET", published.url) as page:
        assert "(not sent)" in await page.text()


async def test_the_author_may_be_given(linkedin: LinkedInConnector) -> None:
    error = await refusal(linkedin, post(), connection(author_urn="urn:li:organization:5"))
    assert error.error_class == "disconnected"


async def test_an_unknown_outcome_cannot_be_looked_up(sandbox: SandboxClient) -> None:
    linkedin = LinkedInConnector(sandbox.base_url, VERSION, timeout=0.5)
    await sandbox.fault("linkedin", "timeout_after_accept")
    error = await refusal(linkedin, post(), connection())
    assert error.error_class == "outcome_unknown"
    assert "before posting it again" in error.reason
    assert not linkedin.can_find
    assert await linkedin.find(post(), connection()) is None
    assert len(await sandbox.accepted()) == 1
    await linkedin.close()


async def test_a_duplicate_is_refused_and_named(linkedin: LinkedInConnector, sandbox: SandboxClient) -> None:
    published = await linkedin.publish(post(), connection())
    error = await refusal(linkedin, post(), connection())
    assert error.error_class == "bad_content"
    assert published.platform_post_id in error.reason
    assert len(await sandbox.accepted()) == 1


@pytest.mark.parametrize("version", ["", "202401", "november"])
async def test_a_retired_version_is_a_matter_of_settings(sandbox: SandboxClient, version: str) -> None:
    linkedin = LinkedInConnector(sandbox.base_url, version, timeout=60)
    error = await refusal(linkedin, post(), connection())
    assert error.error_class == "transient"
    assert "Set the LinkedIn version" in error.reason
    assert await sandbox.accepted() == []
    await linkedin.close()


@pytest.mark.parametrize("content", ["", "x" * 3001, "x" * 2994])
async def test_texts_too_short_or_too_long_are_refused_before_anything_is_sent(
    linkedin: LinkedInConnector, sandbox: SandboxClient, content: str
) -> None:
    error = await refusal(linkedin, post(content, ("kafka",) if content else ()), connection())
    assert error.error_class == "bad_content"
    assert await sandbox.accepted() == []


async def test_a_text_of_exactly_the_limit_is_published_however_much_is_escaped(
    linkedin: LinkedInConnector, sandbox: SandboxClient
) -> None:
    await linkedin.publish(post("(" * 3000, ()), connection())
    assert [len(p["text"]) for p in await sandbox.accepted()] == [3000]


@pytest.mark.parametrize(
    ("token", "error_class"),
    [("sandbox-expired", "refresh_token"), ("forged", "disconnected"), ("sandbox-readonly", "disconnected")],
)
async def test_tokens_that_do_not_serve(linkedin: LinkedInConnector, token: str, error_class: str) -> None:
    assert (await refusal(linkedin, post(), connection(token))).error_class == error_class


async def test_no_account_is_disconnected(linkedin: LinkedInConnector) -> None:
    assert (await refusal(linkedin, post(), None)).error_class == "disconnected"


@pytest.mark.parametrize(
    ("kind", "error_class", "posts"),
    [
        ("http_500", "outcome_unknown", 0),
        ("500_after_accept", "outcome_unknown", 1),
        ("200_with_error", "bad_content", 0),
    ],
)
async def test_a_failure_is_classed_by_what_it_leaves_open(
    linkedin: LinkedInConnector, sandbox: SandboxClient, kind: str, error_class: str, posts: int
) -> None:
    await sandbox.fault("linkedin", kind)
    assert (await refusal(linkedin, post(), connection())).error_class == error_class
    assert len(await sandbox.accepted()) == posts


async def test_a_limit_waits(linkedin: LinkedInConnector, sandbox: SandboxClient) -> None:
    await sandbox.fault("linkedin", "429_without_reset")
    error = await refusal(linkedin, post(), connection())
    assert error.error_class == "rate_limited"
    assert error.retry_at is not None
    assert timedelta(seconds=55) < error.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


async def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    linkedin = LinkedInConnector(f"http://127.0.0.1:{port}", VERSION, timeout=2)
    known = connection(author_urn="urn:li:person:1")
    assert (await refusal(linkedin, post(), known)).error_class == "transient"
    await linkedin.close()


@pytest.mark.parametrize("count", [1, 3])
async def test_images_carry_their_alternative_texts(
    linkedin: LinkedInConnector, sandbox: SandboxClient, count: int
) -> None:
    images = tuple(Image(png(), "image/png", f"Loaf {n}.", "loaf.png") for n in range(count))
    await linkedin.publish(replace(post(), images=images), connection())
    [seen] = await sandbox.accepted()
    assert [alt_text for _, alt_text in seen["raw"]["images"]] == [f"Loaf {n}." for n in range(count)]
    assert len({urn for urn, _ in seen["raw"]["images"]}) == count


async def test_images_that_linkedin_does_not_take_are_refused_before_anything_is_sent(
    linkedin: LinkedInConnector, sandbox: SandboxClient
) -> None:
    loaf = Image(png(), "image/png", "A loaf.", "loaf.png")
    for images, says in (
        ((loaf,) * 21, "at most 20 images"),
        ((replace(loaf, alt_text="x" * 4087),), "at most 4086"),
        ((replace(loaf, content_type="image/webp"),), "no image/webp"),
    ):
        error = await refusal(linkedin, replace(post(), images=images), connection())
        assert (error.error_class, says in error.reason) == ("bad_content", True), error.reason
    assert await sandbox.accepted() == []


async def test_reactions_of_every_kind_and_comments_are_counted_where_the_app_may_read_them(
    linkedin: LinkedInConnector, sandbox: SandboxClient
) -> None:
    published = await linkedin.publish(post(), connection("sandbox-partner"))
    urn = published.platform_post_id
    assert await linkedin.measure([urn], connection("sandbox-partner")) == Figures(0, 0)
    await sandbox.doing(urn, likes=7, comments=2)
    assert await linkedin.measure([urn], connection("sandbox-partner")) == Figures(likes=7, comments=2)
    for token, asked, says in (
        ("sandbox-ada", urn, "r_member_social"),
        ("sandbox-partner", "urn:li:share:1", "no more"),
    ):
        with pytest.raises(Withheld, match=says):
            await linkedin.measure([asked], connection(token))
    with pytest.raises(PublishError) as refused:
        await linkedin.measure([urn], connection("sandbox-expired"))
    assert refused.value.error_class == "refresh_token"


@pytest.mark.parametrize("answered", [{}, {"reactionSummaries": []}, {"reactionSummaries": {}, "commentSummary": 3}])
async def test_an_answer_that_says_nothing_of_the_post_is_asked_for_again(
    sandbox: SandboxClient, answered: dict[str, Any]
) -> None:
    async with between(sandbox.base_url) as way:
        way.error = answered
        way.order("/rest/socialMetadata", "200_with_error")
        linkedin = LinkedInConnector(way.url, VERSION, timeout=60)
        with pytest.raises(PublishError, match="asked again later") as unclear:
            await linkedin.measure(["urn:li:share:1"], connection("sandbox-partner"))
        assert unclear.value.error_class == "transient"
        await linkedin.close()
