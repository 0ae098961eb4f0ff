"""A Markdown document as a flat list of what matters here: headings, labels, lists, tables and code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """The points of a list, as they are written."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its header and rows of cells, as they are written."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    language: str
    text: str


Block = Heading | Paragraph | Items | Grid | Code


def blocks(markdown: str) -> Iterator[Block]:
    """The document's blocks in order."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    place = 0
    while place < len(tokens):
        token = tokens[place]
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), tokens[place + 1].content)
                place += 3
            case "paragraph_open":
                yield Paragraph(tokens[place + 1].content)
                place += 3
            case "fence":
                yield Code(token.info.strip(), token.content)
                place += 1
            case "bullet_list_open" | "ordered_list_open":
                end = _end(tokens, place)
                yield Items(tuple(inside.content for inside in tokens[place:end] if inside.type == "inline"))
                place = end
            case "table_open":
                end = _end(tokens, place)
                yield _grid(tokens[place:end])
                place = end
            case _:
                place += 1


def _end(tokens: list[Token], start: int) -> int:
    """Behind the token that closes the one at `start`."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place + 1
    return len(tokens)


def _grid(tokens: list[Token]) -> Grid:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
    return Grid(tuple(rows[0]), tuple(tuple(row) for row in rows[1:]))
