"""The blog connector: articles as files, once each, safe to read and whole."""

from __future__ import annotations

import asyncio
import fcntl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from services.publishing.connectors import Connection, Post, PublishError
from services.publishing.connectors.blog import BlogConnector
from services.publishing.connectors.blog_pages import readable, rendered

BASE = "http://127.0.0.1:8080/blog"
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def article(**changes: object) -> Post:
    post = Post(
        job_id=uuid4(),
        workflow_id=uuid4(),
        user_id=uuid4(),
        platform="blog",
        title="Why Kafka keeps its promises",
        content="# Why Kafka keeps its promises\n\nA log is **kept**, not sent.\n\n## How\n\nBy offsets, see https://example.com.",
        hashtags=("#kafka", "events"),
        published_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    return replace(post, **changes)  # type: ignore[arg-type]


@pytest.fixture
def blog(tmp_path: Path) -> BlogConnector:
    return BlogConnector(tmp_path / "blog", BASE + "/")


async def test_an_article_becomes_markdown_a_page_an_index_and_a_feed(blog: BlogConnector, tmp_path: Path) -> None:
    post = article(job_id=UUID("01900000-0000-7000-8000-00000000abcd"))
    published = await blog.publish(post, None)
    assert published.platform_post_id == "why-kafka-keeps-its-promises-00000000abcd"
    assert published.url == f"{BASE}/why-kafka-keeps-its-promises-00000000abcd.html"

    folder = tmp_path / "blog"
    page = html.document_fromstring((folder / f"{published.platform_post_id}.html").read_text("utf-8"))
    assert page.get("lang") == "en"
    assert page.findtext(".//title") == "Why Kafka keeps its promises"
    assert [h.text for h in page.iter("h1")] == ["Why Kafka keeps its promises"]
    assert [h.text for h in page.iter("h2")] == ["How"]
    assert page.xpath("//link[@rel='canonical']/@href") == [published.url]
    assert page.xpath("//meta[@name='description']/@content") == [
        "A log is kept, not sent. By offsets, see https://example.com."
    ]
    assert page.xpath("//article//a/@href") == ["https://example.com"]
    assert "#kafka #events" in page.text_content()

    source = (folder / f"{published.platform_post_id}.md").read_text("utf-8")
    assert source.startswith(
        '---\njob_id: "01900000-0000-7000-8000-00000000abcd"\ntitle: "Why Kafka keeps its promises"\n'
    )
    assert source.endswith("## How\n\nBy offsets, see https://example.com.\n")

    index = html.document_fromstring((folder / "index.html").read_text("utf-8"))
    assert index.xpath("//li//a/@href") == [published.url]
    assert f"{BASE}/2026.html" in index.xpath("//nav/a/@href")
    assert (folder / "2026.html").is_file()

    feed = etree.parse(folder / "feed.xml")
    assert feed.xpath("//a:entry/a:id/text()", namespaces=ATOM) == [post.job_id.urn]
    assert feed.xpath("//a:entry/a:link/@href", namespaces=ATOM) == [published.url]
    assert feed.xpath("/a:feed/a:updated/text()", namespaces=ATOM) == ["2026-03-01T12:00:00+00:00"]


async def test_publishing_twice_leaves_one_article(blog: BlogConnector, tmp_path: Path) -> None:
    post = article()
    first = await blog.publish(post, None)
    before = (tmp_path / "blog" / "feed.xml").read_bytes()
    assert await blog.publish(post, None) == first
    assert len(list((tmp_path / "blog").glob("*.md"))) == 1
    assert (tmp_path / "blog" / "feed.xml").read_bytes() == before


async def test_find_is_exact(blog: BlogConnector) -> None:
    post, other = article(), article()
    assert await blog.find(post, None) is None
    published = await blog.publish(post, None)
    assert await blog.find(post, None) == published
    assert await blog.find(other, None) is None


async def test_find_completes_what_a_crash_left_out(blog: BlogConnector, tmp_path: Path) -> None:
    post = article()
    published = await blog.publish(post, None)
    for page in ("index.html", "feed.xml", "2026.html"):
        (tmp_path / "blog" / page).unlink()
    again = BlogConnector(tmp_path / "blog", BASE)
    assert await again.find(post, None) == published
    assert published.url in (tmp_path / "blog" / "index.html").read_text("utf-8")
    assert (tmp_path / "blog" / "2026.html").is_file()


async def test_the_newest_article_comes_first(blog: BlogConnector, tmp_path: Path) -> None:
    urls = []
    for day in (2, 9, 5):
        post = article(title=f"Day {day}", published_at=datetime(2026, 3, day, tzinfo=UTC))
        urls.append((await blog.publish(post, None)).url)
    index = html.document_fromstring((tmp_path / "blog" / "index.html").read_text("utf-8"))
    assert index.xpath("//li//a/@href") == [urls[1], urls[2], urls[0]]
    feed = etree.parse(tmp_path / "blog" / "feed.xml")
    assert feed.xpath("//a:entry/a:title/text()", namespaces=ATOM) == ["Day 9", "Day 5", "Day 2"]


async def test_connectors_sharing_a_folder_lose_no_article(tmp_path: Path) -> None:
    blogs = [BlogConnector(tmp_path / "blog", BASE) for _ in range(3)]
    posts = [article(title=f"Article {n}") for n in range(12)]
    published = await asyncio.gather(*(blogs[n % 3].publish(post, None) for n, post in enumerate(posts)))
    index = html.document_fromstring((tmp_path / "blog" / "index.html").read_text("utf-8"))
    assert sorted(index.xpath("//li//a/@href")) == sorted(p.url for p in published)
    assert not list((tmp_path / "blog").glob("*.tmp"))


async def test_the_index_is_written_by_one_at_a_time(blog: BlogConnector, tmp_path: Path) -> None:
    await blog.publish(article(title="Before"), None)
    index = tmp_path / "blog" / "index.html"
    with (tmp_path / "blog" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        task = asyncio.create_task(blog.publish(post := article(title="Meanwhile"), None))
        page = tmp_path / "blog" / f"meanwhile-{post.job_id.hex[-12:]}.html"
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(page.is_file):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)
        assert await asyncio.wait([task], timeout=0.3) == (set(), {task})
        assert "Meanwhile" not in index.read_text("utf-8")
    published = await task
    assert published.url in index.read_text("utf-8")


async def test_a_page_is_readable_by_a_server_of_another_user(blog: BlogConnector, tmp_path: Path) -> None:
    published = await blog.publish(article(), None)
    assert (tmp_path / "blog" / f"{published.platform_post_id}.html").stat().st_mode & 0o777 == 0o644


async def test_markup_in_title_tags_and_text_stays_text(blog: BlogConnector, tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>'
    content = f"{evil}\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    published = await blog.publish(article(title=evil, hashtags=(evil,), content=content), None)
    page = html.document_fromstring((tmp_path / "blog" / f"{published.platform_post_id}.html").read_text("utf-8"))
    assert page.xpath("//script | //img | //a[starts-with(@href, 'javascript')]") == []
    assert page.findtext(".//title") == evil
    index = html.document_fromstring((tmp_path / "blog" / "index.html").read_text("utf-8"))
    assert index.xpath("//script") == []


@given(st.text(alphabet=st.sampled_from("<>\"'/=:()[]!`*_&;ajvscript onerror#\n\t\\"), max_size=200))
def test_no_markdown_yields_code_or_raw_html(markdown: str) -> None:
    page = html.fromstring(f"<div>{rendered(markdown)}</div>")
    for element in page.iter(etree.Element):
        assert element.tag not in {"script", "iframe", "object", "style", "form"}
        assert not any(name.startswith("on") for name in element.attrib)
        for link in (element.get("href", ""), element.get("src", "")):
            assert not link.strip().lower().startswith(("javascript:", "vbscript:", "data:text"))


@settings(max_examples=25)
@given(title=st.text(max_size=80), body=st.text(max_size=200), tags=st.lists(st.text(max_size=12), max_size=4))
def test_any_article_is_written_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, title: str, body: str, tags: list[str]
) -> None:
    async def write() -> None:
        folder = tmp_path_factory.mktemp("blog")
        blog = BlogConnector(folder, BASE)
        post = article(title=title, content=body, hashtags=tuple(tags))
        if not readable(body).strip():
            with pytest.raises(PublishError):
                await blog.publish(post, None)
            return
        published = await blog.publish(post, None)
        assert await blog.find(post, None) == published
        etree.parse(folder / "feed.xml")

    asyncio.run(write())


async def test_the_language_is_declared(blog: BlogConnector, tmp_path: Path) -> None:
    german = "Ein Protokoll wird aufbewahrt und nicht nur verschickt; darauf kann man sich verlassen."
    korean = "로그는 보내는 것이 아니라 보관하는 것이다. 그래서 믿을 수 있다."
    connection = Connection(uuid4(), "blog", None, None, "", {"language": "fr"})
    for content, known, chosen, language in (
        (german, "", None, "de"),
        (korean, "", None, "ko"),
        (german, "", connection, "fr"),
        (german, "en", None, "en"),
        (german, "en", connection, "fr"),
    ):
        published = await blog.publish(article(content=content, language=known), chosen)
        page = html.document_fromstring((tmp_path / "blog" / f"{published.platform_post_id}.html").read_text("utf-8"))
        assert page.get("lang") == language


async def test_an_empty_article_is_refused(blog: BlogConnector) -> None:
    with pytest.raises(PublishError) as refused:
        await blog.publish(article(content="  \n"), None)
    assert refused.value.error_class == "bad_content"


async def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "blog").write_text("a file where the folder should be")
    with pytest.raises(PublishError) as failed:
        await BlogConnector(tmp_path / "blog", BASE).publish(article(), None)
    assert failed.value.error_class == "transient"
