"""A source as the engine sees it: title, sections, paragraphs, and sentences that are verbatim pieces of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from . import markdown
from .language import detect
from .markdown import Block, Kind
from .port import NothingToWrite, Source
from .sentences import shorten, split, squeeze

# Twelve times the longest blog post: what lies beyond is not read, so that a huge source costs no more than a long one.
READ_AT_MOST: Final = 200_000
_LONGEST_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: what a reader sees, the Markdown that gives it, and its place in reading order."""

    text: str
    markdown: str
    index: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, list item, quotation or code block. Code has no sentences and keeps its text in `code`."""

    kind: Kind
    sentences: tuple[Sentence, ...]
    code: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading; the first section may have none."""

    heading: str
    level: int
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A whole source, read."""

    title: str
    language: str
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]


def read(source: Source) -> Article:
    """Read a source. Raises NothingToWrite when neither text nor title holds anything."""
    text = source.text[:READ_AT_MOST]
    title = squeeze(source.title)
    if not squeeze(text) and not title:
        raise NothingToWrite("The source holds no text: give it a text or a title.")
    language = detect(text if squeeze(text) else title, source.language)
    found = markdown.blocks(text)
    if not any(block.kind not in ("heading", "code") for block in found):
        # Nothing but headings or marks: then these are all the prose there is.
        whole = squeeze(text) or title
        found = [Block("paragraph", markdown.escape(whole), whole)]
    first_heading = next((block for block in found if block.kind == "heading" and block.level == 1), None)
    if not title and first_heading:
        title = first_heading.plain
    counter = iter(range(len(text) + len(title) + 1))
    sections = tuple(_sections(found, title, language, counter))
    every = tuple(s for section in sections for passage in section.passages for s in passage.sentences)
    return Article(title or shorten(every[0].text, lambda t: len(t) <= _LONGEST_TITLE), language, sections, every)


def _sections(found: list[Block], title: str, language: str, counter: Iterator[int]) -> Iterator[Section]:
    heading, level = "", 2
    passages: list[Passage] = []
    for block in found:
        if block.kind != "heading":
            passages.append(_passage(block, language, counter))
            continue
        if block.plain.casefold() == title.casefold():
            continue
        if passages:
            yield Section(heading, level, tuple(passages))
        heading, level, passages = block.plain, min(max(block.level, 2), 3), []
    if passages:
        yield Section(heading, level, tuple(passages))


def _passage(block: Block, language: str, counter: Iterator[int]) -> Passage:
    if block.kind == "code":
        return Passage("code", (), block.plain.rstrip("\n"))
    texts = split(block.plain, language)
    marked = texts if squeeze(block.raw) == block.plain else split(block.raw, language)
    # Emphasis or a link may reach over a sentence end: then the marks go and the words stay.
    if len(marked) != len(texts) or not all(map(markdown.is_paragraph, marked, texts)):
        marked = [markdown.escape(text) for text in texts]
    return Passage(block.kind, tuple(Sentence(t, m, next(counter)) for t, m in zip(texts, marked, strict=True)))
