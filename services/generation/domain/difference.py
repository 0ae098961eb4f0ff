"""What became of a text: words or lines that stayed, went, or came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Unit = Literal["words", "lines"]
Kind = Literal["equal", "delete", "insert"]

# A word with the white space before it; Chinese and Japanese, which leave none, by the letter.
_LETTER = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
_WORDS = re.compile(rf"\s*(?:{_LETTER}|(?:(?!{_LETTER})\S)+)|\s+$")
# Pairs of equal pieces that are looked at; beyond so many words would take seconds.
MAX_PAIRS = 3_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed (`equal`), stood only before (`delete`), or stands only now (`insert`)."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From the text before to the text now. `inserted` and `deleted` count units; `similarity` is 0 to 1."""

    unit: Unit
    pieces: tuple[Piece, ...]
    inserted: int
    deleted: int
    similarity: float


def difference(before: str, after: str, unit: Unit) -> Difference:
    """The pieces in order: without the inserted ones they are the text before, without the deleted ones the text now.

    Where more than MAX_PAIRS words are equal to each other, lines are compared instead; the answer names what was.
    """
    old, new = _split(before, unit), _split(after, unit)
    too_many = _pairs(old, new) > MAX_PAIRS
    if unit == "words" and too_many:
        return difference(before, after, "lines")
    # Lines that come that often, as empty ones, are left to their neighbours.
    matcher = SequenceMatcher(None, old, new, autojunk=too_many)
    pieces: list[Piece] = []
    inserted = deleted = kept = 0
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("equal", "".join(old[start:end])))
            kept += _units(old[start:end])
            continue
        if end > start:
            pieces.append(Piece("delete", "".join(old[start:end])))
            deleted += _units(old[start:end])
        if new_end > new_start:
            pieces.append(Piece("insert", "".join(new[new_start:new_end])))
            inserted += _units(new[new_start:new_end])
    whole = 2 * kept + inserted + deleted
    return Difference(unit, tuple(pieces), inserted, deleted, round(2 * kept / whole, 4) if whole else 1.0)


def _split(text: str, unit: Unit) -> list[str]:
    return _WORDS.findall(text) if unit == "words" else text.splitlines(keepends=True)


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    among = Counter(new)
    return sum(among[piece] for piece in old)


def _units(pieces: Sequence[str]) -> int:
    return sum(1 for piece in pieces if not piece.isspace())
