"""The blog: a static site in a folder, one Markdown file and one page per article, an index and an Atom feed.

The file name derives from the job, so publishing twice writes the same article twice, and looking it up is exact.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from services.publishing.connectors import blog_pages as pages
from services.publishing.connectors.articles import slug_of, title_and_body
from services.publishing.connectors.blog_pages import Entry
from services.publishing.connectors.hashtags import missing
from services.publishing.connectors.port import Connection, Post, Published, PublishError

_NEWEST: Final = 50
_IN_FEED: Final = 20
_FENCE: Final = "---\n"


class BlogConnector:
    """Writes articles to `folder`. Several processes may share one folder; readers never see half a file."""

    can_find = True

    def __init__(self, folder: Path, base_url: str) -> None:
        """`base_url` is where the folder is read, as in http://127.0.0.1:8080/blog."""
        self._folder = folder
        self._base = base_url.rstrip("/")
        self._known: dict[str, tuple[int, Entry]] = {}

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Write the article, then the index and the feed. Raises PublishError."""
        title, markdown = title_and_body(post)
        if not markdown:
            raise PublishError("bad_content", "The article is empty. Write something, then publish again.")
        chosen = (connection.settings.get("language") if connection else None) or post.language
        language = str(chosen or await asyncio.to_thread(pages.language_of, markdown))
        entry = Entry(
            job_id=post.job_id,
            slug=slug_of(post),
            title=title,
            description=pages.described(markdown),
            language=language,
            tags=tuple(missing("", post.hashtags)),
            published_at=post.published_at.astimezone(UTC),
        )
        try:
            await asyncio.to_thread(self._write_article, entry, markdown)
        except OSError as error:
            raise PublishError(
                "transient",
                f"The blog's folder could not be written ({error.strerror}). Make room or give access; it is retried.",
            ) from error
        return self._published(entry.slug)

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """The article of this very job, if its page stands; the index and the feed are made to know it."""
        slug = slug_of(post)
        try:
            stands = await asyncio.to_thread((self._folder / f"{slug}.html").is_file)
            if stands:
                await asyncio.to_thread(self._refresh, post.published_at.astimezone(UTC).year)
        except OSError as error:
            raise PublishError("transient", f"The blog's folder could not be read ({error.strerror}).") from error
        return self._published(slug) if stands else None

    async def close(self) -> None:
        """Nothing is kept open."""

    def _published(self, slug: str) -> Published:
        return Published(slug, f"{self._base}/{slug}.html", {"file": f"{slug}.html"})

    def _write_article(self, entry: Entry, markdown: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._folder / f"{entry.slug}.md", (_front_matter(entry) + markdown + "\n").encode())
        _write(self._folder / f"{entry.slug}.html", pages.article_page(entry, markdown, self._base).encode())
        self._refresh(entry.published_at.year)

    def _refresh(self, year: int) -> None:
        """Write the index, the archive of `year` and the feed from the articles that stand."""
        with _locked(self._folder / ".lock"):
            entries = self._entries()
            years = sorted({entry.published_at.year for entry in entries}, reverse=True)
            of_year = [entry for entry in entries if entry.published_at.year == year]
            newest = [(entry, _read(self._folder / f"{entry.slug}.md")[1]) for entry in entries[:_IN_FEED]]
            _write(self._folder / f"{year}.html", pages.index_page(of_year, [], self._base, str(year)).encode())
            _write(self._folder / "index.html", pages.index_page(entries[:_NEWEST], years, self._base).encode())
            _write(self._folder / "feed.xml", pages.feed(newest, self._base))

    def _entries(self) -> list[Entry]:
        """Every article, newest first; only files that changed are read again."""
        known: dict[str, tuple[int, Entry]] = {}
        for file in os.scandir(self._folder):
            if not file.name.endswith(".md"):
                continue
            changed = file.stat().st_mtime_ns
            before = self._known.get(file.name)
            known[file.name] = before if before and before[0] == changed else (changed, _read(Path(file.path))[0])
        self._known = known
        return sorted((entry for _, entry in known.values()), key=lambda e: (e.published_at, e.slug), reverse=True)


def _front_matter(entry: Entry) -> str:
    """YAML that is JSON line by line, so that it is read back exactly."""
    fields = {
        "job_id": str(entry.job_id),
        "title": entry.title,
        "description": entry.description,
        "language": entry.language,
        "tags": list(entry.tags),
        "date": entry.published_at.isoformat(),
    }
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())
    return _FENCE + "".join(lines) + _FENCE + "\n"


def _read(path: Path) -> tuple[Entry, str]:
    """An article's entry and Markdown from its file."""
    _, head, body = path.read_text("utf-8").split(_FENCE, 2)
    fields = {name: json.loads(value) for name, _, value in (line.partition(": ") for line in head.strip().split("\n"))}
    entry = Entry(
        job_id=UUID(fields["job_id"]),
        slug=path.stem,
        title=fields["title"],
        description=fields["description"],
        language=fields["language"],
        tags=tuple(fields["tags"]),
        published_at=datetime.fromisoformat(fields["date"]),
    )
    return entry, body.strip()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the power goes: written beside, synced, renamed, and the folder synced."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # also when it is stopped
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer of the shared pages at a time, over all processes; a lock ends with its holder."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
