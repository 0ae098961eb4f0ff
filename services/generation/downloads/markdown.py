"""The text as a Markdown file, which is what the other files are made of, too."""

from __future__ import annotations

from services.generation.downloads.text import Text, readable, tokens
from services.generation.engines.markdown import escape


def written(text: Text) -> str:
    """The text, under its title where it is Markdown that begins with no heading of the first level."""
    body = readable(text.body).strip()
    title = " ".join(readable(text.title).split())
    if text.marked and title and not _is_titled(body):
        body = f"# {escape(title)}\n\n{body}"
    return f"{body}\n"


def _is_titled(body: str) -> bool:
    found = tokens(True, body)
    return bool(found) and found[0].tag == "h1"
