"""What extraction gives: a document's text in one form, whatever it was read from, or an error that says what to do.

The text is a sequence of blocks separated by blank lines. A heading is one line of `#` to `######`, a list item starts
with `- ` (nested by two spaces), a quotation with `> `, code stands between fences; a paragraph is one line.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

MAX_TEXT = 10_000_000
MAX_TITLE = 200


class ExtractionError(ValueError):
    """No text can be had from the file; the message is fit for the user. HTTP 422."""


class Unreadable(ExtractionError):
    """The file is broken, protected, or would take too much to read; `reason` is the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsupportedType(ExtractionError):
    """The file is of a kind that text is not read from. HTTP 415."""


class Empty(ExtractionError):
    """The file holds no text."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's title (one line), text (see above), language (ISO 639-1, or `und`) and media type."""

    title: str
    text: str
    language: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Block:
    """One block: plain text and its kind; `level` is a heading's (1–6) or a list item's depth (from 0)."""

    kind: Literal["heading", "paragraph", "item", "quote", "code"]
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found: its blocks, and the title if the document names one."""

    blocks: Iterable[Block]
    title: str = ""


def render(blocks: Iterable[Block]) -> str:
    """The blocks as text. Raises Unreadable when it grows beyond ten million characters."""
    parts: list[str] = []
    length = 0
    previous: Block | None = None
    for block in _filled(blocks):
        # Items of one list stand together, everything else apart.
        gap = "\n" if previous and previous.kind == block.kind == "item" else "\n\n"
        part = (gap if previous else "") + _render(block)
        length += len(part)
        if length > MAX_TEXT:
            raise Unreadable("The file holds more text than can be used. Split it, and upload the part you need.")
        parts.append(part)
        previous = block
    return "".join(parts)


def one_line(text: str) -> str:
    """The text with every run of white space made one space, and characters that cannot be shown left out."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(filter(str.isprintable, line))


def title_of(draft_title: str, text: str, filename: str | None) -> str:
    """The title named by the document, else its first heading, else its first line when short, else the file's name."""
    first_line = text.split("\n", 1)[0]
    heading = re.search(r"^#{1,6} (.+)$", text, re.MULTILINE)
    stem = re.sub(r"\.\w{1,8}$", "", re.split(r"[/\\]", filename)[-1]) if filename else ""
    candidates = (
        draft_title,
        heading.group(1) if heading else "",
        first_line if len(first_line) <= 120 else "",
        re.sub(r"[_\-]+", " ", stem),
        first_line,
    )
    title = next((line for line in map(one_line, candidates) if line), "")
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…"


def _filled(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        text = block.text.strip("\n") if block.kind == "code" else one_line(block.text)
        if text.strip():
            yield Block(block.kind, text, block.level)


def _render(block: Block) -> str:
    match block.kind:
        case "heading":
            return f"{'#' * min(max(block.level, 1), 6)} {block.text}"
        case "item":
            return f"{'  ' * min(block.level, 8)}- {block.text}"
        case "quote":
            return f"> {block.text}"
        case "code":
            return f"```\n{block.text}\n```"
        case "paragraph":
            return block.text
