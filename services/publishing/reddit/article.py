"""The article about a collected post: title, summary, insights, where it is from, and who wrote the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from slugify import slugify

from services.publishing.connectors.ghost_site import Article

_EXCERPT: Final = 300  # characters that Ghost shows in lists


def article_of(post: Mapping[str, Any]) -> Article:
    """The article of a row of `posts`; every text of others is escaped."""
    summary = post["summary_ko"] or post["text"] or post["title"]
    parts = [f"<p>{escape(paragraph.strip())}</p>" for paragraph in summary.split("\n") if paragraph.strip()]
    parts += _insights("Pain points", post["pain_points"] or [], "description", "category", "severity", "frequency")
    parts += _insights("Product ideas", post["product_ideas"] or [], "title", "description", "target_pain_point")
    source = escape(post["url"], quote=True)
    parts.append(f'<p><a href="{source}" rel="noopener nofollow">Original post on Reddit</a></p>')
    parts.append(f"<p><em>Posted in r/{escape(post['subreddit'])}; summarised automatically.</em></p>")
    return Article(
        slug=f"{slugify(post['title'], max_length=60, word_boundary=True) or 'post'}-{post['reddit_post_id'].lower()}",
        title=post["title"][:255],
        html="\n".join(parts),
        excerpt=_shortened(" ".join(summary.split())),
        tags=tuple(post["tags"] or ()),
    )


def _insights(title: str, found: Sequence[Mapping[str, Any]], first: str, *others: str) -> list[str]:
    if not found:
        return []
    items = [
        f"<li><strong>{escape(str(each.get(first, '')))}</strong>"
        + "".join(f" · {escape(str(each[name]))}" for name in others if each.get(name))
        + "</li>"
        for each in found
    ]
    return [f"<h2>{title}</h2>", "<ul>", *items, "</ul>"]


def _shortened(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1].rstrip() + "…"
