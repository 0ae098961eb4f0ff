"""Cutting a text into posts: where its writer numbered them, else between sentences, words or graphemes.

A numbered thread begins with `1/3 `, and after empty lines follow `2/3 ` and `3/3 `: each is the beginning of a post.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import regex

_Fits = Callable[[str], bool]
_Span = tuple[int, int]
_Cut = Callable[[str, _Fits], Iterator[str]]

_SENTENCE_END: Final = regex.compile(
    r"(?<=[.!?…][\"'”’»)\]]*)\s+(?=[^\p{Ll}\s])|(?<=[。！？][」』”）]*)\s*(?=\S)|\s*\n\s*"
)
_ABBREVIATION: Final = regex.compile(
    r"(?<!\p{L})(?:\p{L}|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|No|Fig|cf|al|Inc|Ltd|Co|(?:\p{L}\.)+\p{L})\.$",
    regex.IGNORECASE,
)


_NUMBER: Final = regex.compile(r"(?:\A|(?<=\n[^\S\n]*\n))(\d{1,2})/(\d{1,2})[ \t]+(?=\S)")


def numbered(text: str) -> list[str]:
    """The posts of a numbered thread, each with its number; none when the text is not one."""
    text = text.strip()
    marks = list(_NUMBER.finditer(text))
    counted = [(int(mark[1]), int(mark[2])) for mark in marks]
    if len(marks) < 2 or marks[0].start() > 0 or counted != [(at + 1, len(marks)) for at in range(len(marks))]:
        return []
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [text[mark.start() : end].strip() for mark, end in zip(marks, ends, strict=True)]


def number(posts: Sequence[str]) -> str:
    """The posts as one text, each with its number; a single one stays as it is."""
    if len(posts) < 2:
        return "".join(posts)
    return "\n\n".join(f"{at}/{len(posts)} {post}" for at, post in enumerate(posts, start=1))


def unnumbered(text: str) -> str:
    """A numbered thread without its numbers; any other text as it is."""
    return _NUMBER.sub("", text.strip()) if numbered(text) else text


def split(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut `text` (in NFC) into the posts of a numbered thread, else into posts that fit, as full as sentences allow.

    No word is lost or reordered; white space at the cuts goes. Every single code point must fit. A numbered post that
    does not fit is cut on.
    """
    text = text.strip()
    return [post for piece in numbered(text) or [text] for post in _pack(piece, _sentences(piece), fits, _cut_words)]


def _pack(text: str, spans: Iterable[_Span], fits: _Fits, finer: _Cut) -> Iterator[str]:
    """Fill posts with neighbouring spans; one that fits nowhere is cut `finer`, and its last piece is filled up."""
    places, at, start = list(spans), 0, -1
    while at < len(places):
        if start < 0:
            start = places[at][0]
        reach = _reach(text, start, places, at, fits)
        if reach > at:
            at = reach
        elif start < places[at][0]:
            yield text[start : places[at - 1][1]]
            start = -1
        else:
            left, right = places[at]
            pieces = list(finer(text[left:right], fits))
            yield from pieces[:-1]
            start = right - len(pieces[-1])
            at += 1
    if start >= 0:
        yield text[start : places[-1][1]]


def _reach(text: str, start: int, places: list[_Span], at: int, fits: _Fits) -> int:
    """How far a post that begins at `start` reaches: the first place it cannot hold as well, `at` when that is `at`.

    In steps that double and then halve: measuring a post again for each of its letters would take seconds.
    """
    step, low, high = 1, at, len(places)
    while low < high:
        probe = min(low + step, high)
        if fits(text[start : places[probe - 1][1]]):
            low, step = probe, step * 2
        elif probe - low == 1:
            return low
        else:
            high, step = probe - 1, max(1, (probe - low) // 2)
    return low


def _sentences(text: str) -> Iterator[_Span]:
    start = 0
    for gap in _SENTENCE_END.finditer(text):
        if "\n" not in gap.group() and _ABBREVIATION.search(text, start, gap.start()):
            continue
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    if start < len(text):
        yield start, len(text)


def _cut_words(sentence: str, fits: _Fits) -> Iterator[str]:
    return _pack(sentence, (word.span() for word in regex.finditer(r"\S+", sentence)), fits, _cut_graphemes)


def _cut_graphemes(word: str, fits: _Fits) -> Iterator[str]:
    return _pack(word, (grapheme.span() for grapheme in regex.finditer(r"\X", word)), fits, _cut_code_points)


def _cut_code_points(grapheme: str, fits: _Fits) -> Iterator[str]:
    return _pack(grapheme, ((at, at + 1) for at in range(len(grapheme))), fits, lambda point, _: iter((point,)))
