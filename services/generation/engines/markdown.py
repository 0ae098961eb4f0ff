"""Markdown as the engine reads it: blocks in order, and the plain text of inline markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .sentences import squeeze

Kind = Literal["heading", "paragraph", "bullet", "numbered", "quote", "code"]
_FRONT_MATTER: Final = re.compile(r"\A\ufeff?---\s*\n.*?\n---\s*(?:\n|\Z)", re.DOTALL)
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>&~|])")
_BLOCK_START: Final = re.compile(r"\A(?:([-+#=])|(\d{1,9})([.)]))")
# A heading longer than this is a paragraph that happened to be underlined.
_LONGEST_HEADING: Final = 160


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `raw` is its inline Markdown (or its code), `plain` what a reader sees, `level` the heading's."""

    kind: Kind
    raw: str
    plain: str
    level: int = 0


@cache
def _parser() -> MarkdownIt:
    # Indented text in a plain-text source is a paragraph, not code; HTML is text.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("code")


def blocks(text: str) -> list[Block]:
    """The blocks of a document in reading order; tables, rules and front matter are left out."""
    return list(_walk(_parser().parse(_FRONT_MATTER.sub("", text))))


def plain(raw: str) -> str:
    """What a reader sees of a piece of Markdown, white space normalised."""
    return squeeze(" ".join(block.plain for block in blocks(raw)))


def is_paragraph(raw: str, reads_as: str) -> bool:
    """Whether this Markdown, standing alone, is one paragraph that reads as `reads_as`."""
    if raw == reads_as and not _SPECIAL.search(raw) and not _BLOCK_START.match(raw):
        return True
    found = blocks(raw)
    return len(found) == 1 and found[0].kind == "paragraph" and squeeze(found[0].plain) == reads_as


def escape(text: str) -> str:
    """Markdown that reads as exactly this one-line text."""
    text = _SPECIAL.sub(r"\\\1", text)
    return _BLOCK_START.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", text)


def _walk(tokens: Sequence[Token]) -> Iterator[Block]:
    lists: list[Kind] = []
    quotes = in_table = level = 0
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append("bullet")
            case "ordered_list_open":
                lists.append("numbered")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "table_open" | "table_close":
                in_table += token.nesting
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "fence":
                yield Block("code", token.content, token.content)
            case "inline" if not in_table:
                reads = squeeze(_inline(token.children or []))
                if not reads:
                    continue
                heading = level > 0 and len(reads) <= _LONGEST_HEADING
                kind: Kind = "heading" if heading else lists[-1] if lists else "quote" if quotes else "paragraph"
                yield Block(kind, token.content, reads, level if heading else 0)


def _inline(children: Sequence[Token]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)
