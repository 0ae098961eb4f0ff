"""Reading Markdown (CommonMark with tables): block structure is kept, marks inside the lines are not."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.media.extraction.document import Block, Draft

# Parsed in parts, since a parse tree takes well over a hundred times the memory of its text.
_PART = 200_000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,500}\]:[^\n]{1,2000}$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"[\\`*_\[\]<&!]")
_TAG = re.compile(r"<!--.*?-->|<[^>]{1,2000}>", re.DOTALL)


def read_markdown(text: str) -> Draft:
    """The blocks of a Markdown text, and the title its front matter names."""
    title = ""
    if front := _FRONT_MATTER.match(text):
        named = _FRONT_TITLE.search(front.group(1))
        title = named.group(1).strip("\"'") if named else ""
        text = text[front.end() :]
    return Draft(_blocks(text), title)


def _blocks(text: str) -> Iterator[Block]:
    # Marks inside the lines are parsed below, where there are any.
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    environment: dict[str, Any] = {}
    # Link definitions hold for the whole text, wherever they stand.
    parser.parse("\n".join(_DEFINITION.findall(text)), environment)
    for part in _parts(text):
        yield from _walk(parser.parse(part, environment), lambda content: _inline(content, parser, environment))


def _parts(text: str) -> Iterator[str]:
    """The text cut at blank lines outside fences that are followed by an unindented line, so that no block is torn."""
    part: list[str] = []
    length = 0
    fence = ""
    blank = False
    for line in text.splitlines(keepends=True):
        if length >= _PART and blank and not fence and line[:1].isalnum() | line.startswith("#"):
            yield "".join(part)
            part, length = [], 0
        part.append(line)
        length += len(line)
        blank = not line.strip()
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark.group(1)
            elif mark.group(1).startswith(fence):
                fence = ""
    yield "".join(part)


def _walk(tokens: list[Token], inline: Callable[[str], str]) -> Iterator[Block]:
    lists = quotes = 0
    heading = 0
    first_in_item = False
    row: list[str] | None = None
    for token in tokens:
        match token.type:
            case "heading_open":
                heading = int(token.tag[1])
            case "heading_close":
                heading = 0
            case "bullet_list_open" | "ordered_list_open":
                lists += 1
            case "bullet_list_close" | "ordered_list_close":
                lists -= 1
            case "list_item_open":
                first_in_item = True
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "tr_open":
                row = []
            case "tr_close":
                yield Block("paragraph", " | ".join(row or []))
                row = None
            case "fence" | "code_block":
                yield Block("code", token.content)
            case "html_block":
                yield Block("paragraph", _TAG.sub(" ", token.content))
            case "inline" if row is not None:
                row.append(inline(token.content))
            case "inline" if heading:
                yield Block("heading", inline(token.content), heading)
            case "inline" if lists and first_in_item:
                first_in_item = False
                yield Block("item", inline(token.content), lists - 1)
            case "inline":
                yield Block("quote" if quotes else "paragraph", inline(token.content))
            case _:
                pass


def _inline(content: str, parser: MarkdownIt, environment: dict[str, Any]) -> str:
    if not _MARKS.search(content):
        return content
    children: list[Token] = []
    parser.inline.parse(content, parser, environment, children)
    parts: list[str] = []
    for child in children:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case _:
                # Links leave their text; images are not text, and marks are not words.
                pass
    return "".join(parts)
