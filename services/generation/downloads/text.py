"""A text on its way into a file, read as Markdown or, where it is none, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

# What neither HTML nor XML can carry.
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Text:
    """`body` is Markdown where `marked`, else plain text in which each line break counts.

    `language` is an ISO 639 code, empty where it is unknown.
    """

    title: str
    body: str
    marked: bool
    language: str
    changed_at: datetime


def readable(text: str) -> str:
    """Without the characters that documents cannot hold."""
    return _UNREADABLE.sub("", text)


@cache
def parser(marked: bool) -> MarkdownIt:
    """CommonMark with tables and bare links; raw HTML stays text. For plain text: paragraphs, lines and links alone."""
    if marked:
        options = {"html": False, "linkify": True}
        return MarkdownIt("commonmark", options).enable(["table", "strikethrough", "linkify"])
    return MarkdownIt("zero", {"html": False, "linkify": True, "breaks": True}).enable(["newline", "linkify"])


def tokens(marked: bool, source: str) -> list[Token]:
    """The blocks and lines of a text, in order."""
    return parser(marked).parse(source)
