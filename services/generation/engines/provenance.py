"""Where each sentence of a draft comes from, checked against the source and not against what the engine says it did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal
from unicodedata import normalize

import regex

from shared.style.marks import EMOJI

from . import markdown
from .language import detect
from .sentences import ELLIPSIS, split, squeeze
from .templates import every_text

Origin = Literal["source", "template", "hashtag", "title", "missing"]

# What is set before a sentence: marks of lists, a thread's numbers, and an emoji of the author's.
_MARKER: Final = regex.compile(
    rf"\A(?:#{{2,6}}\s+|>\s+|[-*•→✓]\s+|\d{{1,9}}[.)]\s+|\d{{1,2}}/\d{{1,2}}\s+|(?:{EMOJI.pattern})\s+)+"
)
_TITLE: Final = re.compile(r"\A#\s+(.+)\Z")
_TAGS_ONLY: Final = re.compile(r"(?:#[^\s#]+\s*)+")
_FENCE: Final = re.compile(r"\A(`{3,}|~{3,})")


def provenance(content: str, source_text: str, title: str = "") -> list[tuple[str, Origin]]:
    """Every sentence, label and hashtag of a draft with its origin, in order.

    A sentence is from the source when it stands there word for word, white space and Unicode form aside and
    with or without Markdown's marks; a shortened one ends with an ellipsis. The title line of a blog post is compared
    with `title` when that is given; a source without text has its title as its only prose.
    """
    return list(_lines(content, _Source(source_text), _normal(title)))


class _Source:
    """A source made searchable: as written, and as a reader sees it."""

    def __init__(self, text: str) -> None:
        self.text = squeeze(text)
        self.language = detect(text)
        self._forms = _forms(text)

    def holds(self, fragment: str) -> bool:
        cut = fragment.endswith(ELLIPSIS)
        candidates = {_normal(fragment), _normal(markdown.plain(fragment))}
        if cut:
            candidates |= {c.removesuffix(ELLIPSIS).rstrip() for c in candidates}
        return any(c and _stands_in(c, form, cut) for c in candidates for form in self._forms)

    def holds_letters(self, tag: str) -> bool:
        letters = _letters(tag)
        return bool(letters) and any(letters in _letters(form) for form in self._forms)


@lru_cache(maxsize=8)
def _forms(text: str) -> tuple[str, str]:
    return _normal(text), _normal(markdown.plain(text))


def _normal(text: str) -> str:
    # Markdown has no NUL: its parsers put the replacement character in its place.
    return normalize("NFC", squeeze(text.replace("\0", "\ufffd")))


@lru_cache(maxsize=16)
def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _normal(text))).casefold()


def _stands_in(fragment: str, text: str, cut: bool) -> bool:
    at = text.find(fragment)
    while at >= 0:
        end = at + len(fragment)
        starts = at == 0 or not (text[at - 1].isalnum() and fragment[0].isalnum())
        ends = cut or end == len(text) or not (text[end].isalnum() and fragment[-1].isalnum())
        if starts and ends:
            return True
        at = text.find(fragment, at + 1)
    return False


def _lines(content: str, source: _Source, title: str) -> Iterator[tuple[str, Origin]]:
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
    # A fence that nothing closes is a line like any other.
    if len(fences) % 2:
        fences.pop()
    for number, line in enumerate(lines):
        if number in fences:
            continue
        fence = sum(1 for mark in fences if mark < number) % 2
        head = _TITLE.match(line) if not number else None
        if head:
            plain = markdown.plain(head[1])
            yield (
                head[1],
                "title"
                if not title or title in (_normal(head[1]), _normal(plain)) or source.holds(head[1])
                else "missing",
            )
        elif fence:
            yield line, "source" if source.holds(line) else "missing"
        elif source.holds(line):
            yield line, "source"
        elif _TAGS_ONLY.fullmatch(line):
            for tag in line.split():
                known = source.holds_letters(tag) or _letters(tag) in _letters(title)
                yield tag, "hashtag" if known else "missing"
        else:
            yield from _pieces(_MARKER.sub("", line), source, title)


def _pieces(text: str, source: _Source, title: str) -> Iterator[tuple[str, Origin]]:
    def origin(piece: str) -> Origin:
        if piece in every_text():
            return "template"
        # Without a text the title is all the prose there is.
        forms = (_normal(piece).removesuffix(ELLIPSIS), _normal(markdown.plain(piece)).removesuffix(ELLIPSIS))
        if not source.text and any(form and _stands_in(form, title, True) for form in forms):
            return "title"
        # A phrase used as a heading has its first letter raised.
        return "source" if source.holds(piece) or source.holds(piece[:1].lower() + piece[1:]) else "missing"

    whole = origin(text)
    if whole != "missing":
        yield text, whole
        return
    for piece in split(text, source.language):
        yield piece, origin(piece)
