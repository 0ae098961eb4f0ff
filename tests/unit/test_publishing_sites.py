"""Ghost and the fediverse as publishing speaks to them: what is refused before and after a request."""

from __future__ import annotations

from typing import Any

import pytest

from services.publishing.connectors import Connection, PublishError
from services.publishing.connectors.ghost_site import Article, Ghost
from services.publishing.fediverse.client import Fediverse
from services.publishing.reddit.article import article_of
from shared.ids import new_id
from tests.sandbox.elsewhere import GHOST_KEY, TOKEN, Elsewhere, create_app
from tests.unit.serving import serve

ARTICLE = Article("cold-1abc", "Cold", "<p>Cold.</p>", "Cold.", ("soil",))


def account(url: str, token: str = TOKEN, platform: str = "mastodon") -> Connection:
    return Connection(new_id(), platform, url, "ada", token)


@pytest.mark.parametrize("key", ["", "abc", "abc:", ":00ff", "abc:00f", "abc:xyz", "abc:00ff\n"])
def test_a_key_that_is_none_of_ghosts_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValueError, match="id:secret"):
        Ghost("https://ghost.example", key, 5.0)


async def test_an_article_stands_once_and_says_what_is_newest() -> None:
    there = Elsewhere()
    async with serve(create_app(there)) as url:
        ghost = Ghost(url, GHOST_KEY, 5.0)
        first = await ghost.publish(ARTICLE)
        second = await ghost.publish(Article("cold-1abc", "Colder", "<p>Colder.</p>", "Colder.", ()))
        assert first == second
        assert [article["title"] for article in there.articles.values()] == ["Colder"]
        for _ in range(2):
            await ghost.hide(first.ghost_post_id)
        assert there.articles[first.ghost_post_id]["status"] == "draft"
        for _ in range(2):
            await ghost.delete(first.ghost_post_id)
        assert there.articles == {}
        await ghost.hide(first.ghost_post_id)
        await ghost.close()


async def test_ghost_that_refuses_the_key_or_is_away_says_what_to_do() -> None:
    there = Elsewhere()
    async with serve(create_app(there)) as url:
        stranger = Ghost(url, "65f0c1d2:" + "11" * 32, 5.0)
        with pytest.raises(PublishError, match="admin key") as refused:
            await stranger.publish(ARTICLE)
        assert refused.value.error_class == "disconnected"
        there.ghost_is_away = True
        with pytest.raises(PublishError, match="503") as away:
            await stranger.hide("1")
        assert away.value.error_class == "transient"
        await stranger.close()


async def test_the_fediverse_tells_a_bad_token_a_missing_post_and_a_missing_image_apart() -> None:
    there = Elsewhere()
    there.toot("1", "Look", "a", "b")
    fediverse = Fediverse(5.0, allow_private=True)
    async with serve(create_app(there)) as url:
        assert await fediverse.whose(account(url)) == "ada"
        for connection, status_id, image_id, error in (
            (account(url, "forged"), "1", "a", "disconnected"),
            (account(url), "2", "a", "bad_content"),
            (account(url), "1", "c", "bad_content"),
        ):
            with pytest.raises(PublishError) as refused:
                await fediverse.put_caption(connection, status_id, image_id, "A door.")
            assert refused.value.error_class == error
        for _ in range(2):
            await fediverse.put_caption(account(url), "1", "b", "A door.")
        assert (there.descriptions("1"), there.statuses["1"]["text"], there.edits) == (["", "A door."], "Look", 1)


async def test_no_token_goes_into_a_private_network() -> None:
    async with serve(create_app(Elsewhere())) as url:
        with pytest.raises(PublishError, match="cannot be reached") as refused:
            await Fediverse(5.0).whose(account(url))
    assert refused.value.error_class == "disconnected"


def row(**columns: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("summary_ko", "tags", "pain_points", "product_ideas"))
    post = {"title": "Why?", "text": "", "reddit_post_id": "1ABC", "subreddit": "soil", "url": "https://r.example/?a&b"}
    return {**empty, **post, **columns}


def test_an_article_keeps_its_order_and_its_limits_and_escapes_what_others_wrote() -> None:
    article = article_of(
        row(
            summary_ko="요약 <script>\n\n" + "x" * 400,
            pain_points=[{"description": "<b>cold</b>", "severity": "high"}],
            product_ideas=[{"title": "Meter"}],
            tags=["soil"],
        )
    )
    assert "<script>" not in article.html
    assert "&lt;b&gt;cold&lt;/b&gt;</strong> · high" in article.html
    assert 'href="https://r.example/?a&amp;b"' in article.html
    parts = [
        article.html.index(part) for part in ("요약", "Pain points", "Product ideas", "Original post", "Posted in")
    ]
    assert parts == sorted(parts)
    assert (len(article.excerpt), article.slug, article.tags) == (300, "why-1abc", ("soil",))


def test_an_article_without_a_summary_says_what_the_post_says() -> None:
    assert article_of(row(text="Mine is cold.")).excerpt == "Mine is cold."
    assert article_of(row()).excerpt == "Why?"
    assert article_of(row(title="???")).slug == "post-1abc"
