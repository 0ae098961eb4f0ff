"""Cutting a text into posts: between sentences, else between words, else between graphemes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


def split(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut `text` (in NFC) into posts that fit, each as full as whole sentences allow.

    No word is lost or reordered; white space at the cuts goes. Every single code point must fit.
    """
    text = text.strip()
    return list(_pack(text, _sentences(text), fits, _cut_words))


def _pack(text: str, spans: Iterable[_Span], fits: _Fits, finer: _Cut) -> Iterator[str]:
    """Fill posts with neighbouring spans; one that fits nowhere is cut `finer`, and its last piece is filled up."""
    start = end = 0
    for left, right in spans:
        if end > start and fits(text[start:right]):
            end = right
            continue
        if end > start:
            yield text[start:end]
        start, end = left, right
        if not fits(text[left:right]):
            pieces = list(finer(text[left:right], fits))
            yield from pieces[:-1]
            start = right - len(pieces[-1])
    if end > start:
        yield text[start:end]


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
