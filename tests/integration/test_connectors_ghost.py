"""The Ghost connector against a real Ghost: articles, takedowns, and every way it can go wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from services.publishing.connectors import Connection, Image, Post, PublishError
from services.publishing.connectors.ghost import GhostConnector
from services.publishing.connectors.ghost_site import Article, Ghost
from shared.ids import new_id
from tests.conftest import absent
from tests.pictures import png
from tests.servers.between import Between, between
from tests.servers.ghost import GhostServer

POSTS = "/ghost/api/admin/posts"
MARKDOWN = """# Why bread rises

Bread rises overnight & slowly.

## In numbers

| hour | height |
|---|---|
| 1 | 3 cm |

<script>alert(1)</script>
"""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GhostServer]:
    if (why := GhostServer.available()) is not None:
        absent(why)
    started = GhostServer(tmp_path_factory.mktemp("ghost"))
    started.start()
    try:
        await started.open()
        yield started
    finally:
        started.stop()


@pytest.fixture
async def way(server: GhostServer) -> AsyncIterator[Between]:
    async with between(server.url) as found:
        yield found


@pytest.fixture
async def ghost() -> AsyncIterator[GhostConnector]:
    connector = GhostConnector(60, allow_private=True)
    yield connector
    await connector.close()


def post(content: str = MARKDOWN, title: str = "Why bread rises", **more: Any) -> Post:
    return Post(new_id(), uuid4(), uuid4(), "ghost", title, content, ("bread", "#baking"), datetime.now(UTC), **more)


def connection(server: GhostServer, url: str | None = None, **more: Any) -> Connection:
    return replace(Connection(uuid4(), "ghost", url or server.url, None, server.admin_key), **more)


async def refusal(ghost: GhostConnector, sent: Post, through: Connection | None) -> PublishError:
    with pytest.raises(PublishError) as refused:
        await ghost.publish(sent, through)
    assert refused.value.reason.endswith(".")
    if through is not None:
        assert through.access_token not in refused.value.reason
    return refused.value


async def page(url: str) -> tuple[int, str]:
    """What a reader gets."""
    async with aiohttp.request("GET", url) as answer:
        return answer.status, await answer.text()


async def slugs(server: GhostServer, title: str) -> list[str]:
    """The slugs of the articles of this title that stand, drafts too."""
    site = Ghost(server.url, server.admin_key, 10)
    params = {"limit": "100", "formats": "html"}
    answer = await site._client.get(f"{POSTS}/", site._headers(), params)
    await site.close()
    return [found["slug"] for found in answer.body["posts"] if found["title"] == title]


async def test_an_article_is_read_as_it_was_written(ghost: GhostConnector, server: GhostServer) -> None:
    sent = post()
    published = await ghost.publish(sent, connection(server))
    status, html = await page(published.url)
    assert status == 200
    assert "<td>3 cm</td>" in html
    assert "<h2>In numbers</h2>" in html
    assert "<script>alert(1)</script>" not in html
    assert html.count("Why bread rises</h1>") == 1
    assert published.response["slug"] == f"why-bread-rises-{sent.job_id.hex[-12:]}"
    assert await ghost.publish(sent, connection(server)) == published
    assert await ghost.find(sent, connection(server)) == published
    assert await ghost.find(post(), connection(server)) is None


@pytest.mark.parametrize("trouble", ["answer_lost", "never_answers", "http_500"])
async def test_an_answer_that_never_came_is_looked_up_and_nothing_stands_twice(
    server: GhostServer, way: Between, trouble: Any
) -> None:
    ghost = GhostConnector(5 if trouble == "never_answers" else 60, allow_private=True)
    title = f"Lost {uuid4().hex[:8]}"
    through, sent = connection(server, way.url), post("Bread rises.", title)
    # Looking for the slug goes well, the article itself meets the trouble.
    way.order(f"{POSTS}/slug/", "passes", "passes")
    way.order(f"{POSTS}/", trouble)
    assert (await refusal(ghost, sent, through)).error_class == "outcome_unknown"
    found = await ghost.find(sent, through)
    assert found is not None
    assert await ghost.publish(sent, through) == found
    assert len(await slugs(server, title)) == 1
    await ghost.close()


@pytest.mark.parametrize(
    ("troubles", "error_class", "says"),
    [
        (["503_before"], "transient", "Try again"),
        (["429_without_reset"], "rate_limited", "nothing was posted"),
        (["200_with_error"], "transient", "check its address"),
        (["passes", "passes", "200_with_error"], "bad_content", "Something is wrong"),
        (["passes", "passes", "429_without_reset"], "rate_limited", "nothing was posted"),
        (["passes", "passes", "503_before"], "outcome_unknown", "Look at your account"),
    ],
)
async def test_each_trouble_ends_in_a_clear_state(
    ghost: GhostConnector, server: GhostServer, way: Between, troubles: list[Any], error_class: str, says: str
) -> None:
    title = f"Trouble {uuid4().hex[:8]}"
    way.error = {"errors": [{"message": "Something is wrong."}]}
    way.order(POSTS, *troubles)
    error = await refusal(ghost, post("Bread rises.", title), connection(server, way.url))
    assert (error.error_class, says in error.reason) == (error_class, True), error.reason
    assert await slugs(server, title) == []


async def test_what_cannot_be_published_is_refused_with_what_to_do(
    ghost: GhostConnector, server: GhostServer, way: Between
) -> None:
    here = connection(server)
    key_id = server.admin_key.partition(":")[0]
    for sent, through, error_class, says in (
        (post("  "), here, "bad_content", "empty"),
        (post(), None, "disconnected", "Connect one"),
        (post(), replace(here, access_token="no key"), "disconnected", "Connect one"),
        (post(), replace(here, access_token=f"{key_id}:{'00' * 32}"), "disconnected", "admin key"),
        (post(), replace(here, access_token=f"{'0' * 24}:{'00' * 32}"), "disconnected", "admin key"),
        (post(), replace(here, instance_url=f"{server.url}/elsewhere"), "disconnected", "no Ghost at this address"),
        (post(), replace(here, instance_url="http://127.0.0.1:9"), "transient", "could not be reached"),
    ):
        error = await refusal(ghost, sent, through)
        assert (error.error_class, says in error.reason) == (error_class, True), error.reason


async def test_no_key_goes_into_a_private_network(server: GhostServer) -> None:
    careful = GhostConnector(5)
    error = await refusal(careful, post(), connection(server))
    assert (error.error_class, "cannot be reached" in error.reason) == ("disconnected", True)
    await careful.close()


async def test_whose_site_it_is(ghost: GhostConnector, server: GhostServer) -> None:
    assert await ghost.whose(connection(server)) == "The bakery"
    with pytest.raises(PublishError, match="admin key"):
        await ghost.whose(connection(server, access_token=f"{'0' * 24}:{'00' * 32}"))


async def test_an_article_is_changed_hidden_and_deleted_and_each_may_be_done_twice(server: GhostServer) -> None:
    site = Ghost(server.url, server.admin_key, 10)
    slug = f"takedown-{uuid4().hex[:8]}"
    first = await site.publish(Article(slug, "Takedown", "<p>One.</p>", "One.", ("bread",)))
    second = await site.publish(Article(slug, "Takedown", "<p>Two.</p>", "Two.", ()))
    assert first == second
    assert "<p>Two.</p>" in (await page(first.url))[1]
    for _ in range(2):
        await site.hide(first.ghost_post_id)
        assert (await page(first.url))[0] == 404
    for _ in range(2):
        await site.delete(first.ghost_post_id)
    assert await site.standing(slug) is None
    await site.hide(first.ghost_post_id)
    await site.close()


async def test_images_lie_on_the_site_with_their_alternative_texts(ghost: GhostConnector, server: GhostServer) -> None:
    loaf, crumbs = Image(png(), "image/png", 'A "loaf".', "a.png"), Image(png(9), "image/png", "Crumbs.", "b.png")
    published = await ghost.publish(post(images=(loaf, crumbs)), connection(server))
    _, html = await page(published.url)
    assert 'alt="A &quot;loaf&quot;."' in html
    assert 'alt="Crumbs."' in html
    for name in ("a", "b"):
        lying = re.search(rf"/content/images/(?:size/\w+/)?(\d+/\d+/{name}\.png)", html)
        assert lying is not None
        async with aiohttp.request("GET", f"{server.url}/content/images/{lying[1]}") as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")


async def test_a_long_alternative_text_is_kept_whole(ghost: GhostConnector, server: GhostServer) -> None:
    said = "A loaf on a board. " * 20
    published = await ghost.publish(
        post(images=(Image(png(), "image/png", said.strip(), "a.png"),)), connection(server)
    )
    assert said.strip() in (await page(published.url))[1]


async def test_images_inside_the_text_are_taken_along_and_never_linked(
    ghost: GhostConnector, server: GhostServer
) -> None:
    async def image(request: web.Request) -> web.Response:
        bodies = {"loaf": png(), "broken": png()[:40], "page": b"<html>no image</html>"}
        return web.Response(body=bodies.get(request.match_info["name"]), status=200 if request.path != "/gone" else 404)

    app = web.Application()
    app.router.add_get("/{name}", image)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there = f"http://127.0.0.1:{runner.addresses[0][1]}"
    text = " ".join(f"![The {name}.]({there}/{name})" for name in ("loaf", "gone", "page", "broken", "loaf"))
    published = await ghost.publish(post(f"Look: {text}"), connection(server))
    await runner.cleanup()
    _, html = await page(published.url)
    assert f'src="{there}' not in html
    taken = re.findall(r'<img src="[^"]*/content/images/[^"]*/(image-\d\.png)" alt="The loaf\."', html)
    assert taken == ["image-1.png", "image-1.png"]
    for name in ("gone", "page", "broken"):
        assert re.search(rf'<a href="{there}/{name}[^"]*">The {name}\.</a>', html)  # Ghost adds where readers come from


async def test_an_attached_image_that_ghost_refuses_is_named(ghost: GhostConnector, server: GhostServer) -> None:
    broken = Image(png()[:40], "image/png", "A loaf.", "broken.png")
    error = await refusal(ghost, post(images=(broken,)), connection(server))
    assert (error.error_class, "broken.png" in error.reason) == ("bad_content", True)
