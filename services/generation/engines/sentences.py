"""Cutting text into sentences, and a sentence to a length, without changing a character of what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

import regex
from sentencex import segment

ELLIPSIS: Final = "…"
# After these no space follows in the scripts that use them.
_UNSPACED_ENDS: Final = "。！？」』）"
_UNSPACED: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_CLAUSE_END: Final = regex.compile(r"[,;:،、，；]\s|\s[—–-]\s")


def squeeze(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def split(text: str, language: str) -> list[str]:
    """The sentences of one paragraph, each a verbatim slice of the white-space-normalised text."""
    text = squeeze(text)
    spans: list[tuple[int, int]] = []
    at = 0
    for piece in segment(language if len(language) == 2 else "en", text):
        piece = piece.strip()
        start = text.find(piece, at)
        if not piece or start < 0:
            continue
        at = start + len(piece)
        # A closing quote cut off by the rules, or what no space parts, belongs to the sentence before it.
        glued = start > 0 and not text[start - 1].isspace() and text[start - 1] not in _UNSPACED_ENDS
        if spans and (glued or not regex.search(r"[\p{L}\p{N}\p{S}]", piece)):
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((start, at))
    return [text[start:end] for start, end in spans] or ([text] if text else [])


def join(sentences: Iterable[str]) -> str:
    """The sentences as one running text, with a space between where their script has one."""
    running = ""
    for sentence in sentences:
        running += " " + sentence if running and running[-1] not in _UNSPACED_ENDS else sentence
    return running


@lru_cache(maxsize=4096)
def words(text: str) -> int:
    """How many words: runs that hold a letter or digit; in scripts without spaces, two characters each."""
    return sum(1 for token in text.split() if any(map(str.isalnum, token))) + len(_UNSPACED.findall(text)) // 2


def shorten(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of `text` that fits with an ellipsis.

    Cut at a clause if one ends late enough, else at a word, else at a grapheme. Empty when not even one grapheme fits.
    """
    if fits(text):
        return text
    return _cut(text, [m.start() for m in regex.finditer(r"\s+", text)], fits) or _cut(
        text, [m.start() for m in regex.finditer(r"\X", text)], fits
    )


def _cut(text: str, ends: list[int], fits: Callable[[str], bool]) -> str:
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if fits(text[: ends[middle]].rstrip() + ELLIPSIS):
            low = middle + 1
        else:
            high = middle
    # Lengths in which links weigh a constant are not strictly growing: step back until it really fits.
    while low and not fits(text[: ends[low - 1]].rstrip() + ELLIPSIS):
        low -= 1
    kept = text[: ends[low - 1]].rstrip() if low else ""
    clause = [m.start() for m in _CLAUSE_END.finditer(kept) if m.start() > 0.6 * len(kept)]
    kept = kept[: clause[-1]].rstrip() if clause and fits(kept[: clause[-1]].rstrip() + ELLIPSIS) else kept
    # What was shortened before ends with an ellipsis already.
    kept = kept.rstrip(ELLIPSIS).rstrip()
    return kept + ELLIPSIS if kept else ""
