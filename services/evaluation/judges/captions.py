"""How good a description of an image is, by rules that always give the same score (after Vedfolnir).

The score is the mean of length, content and clarity, each 0 to 100. A description in another script than Latin is not
searched for English words.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, Literal

Level = Literal["excellent", "good", "fair", "poor"]

BEST: Final = (80, 200)  # characters
LONGEST: Final = 500
_SHORTEST: Final = 20
_LEVELS: Final[tuple[tuple[int, Level], ...]] = ((90, "excellent"), (70, "good"), (40, "fair"), (0, "poor"))
_SPECIAL_BELOW: Final = 70
_FEWEST_WORDS: Final = 5
_ENDS: Final = (".", "!", "?", "。", "！", "？", "…")


@dataclass(frozen=True, slots=True)
class CaptionVerdict:
    """`score` and `criteria` are 0 to 100; `feedback` says what to change."""

    score: int
    level: Level
    needs_special_review: bool
    criteria: dict[str, int]
    feedback: str


def judge(caption: str) -> CaptionVerdict:
    """The verdict on a description; the same for the same text."""
    text = " ".join(caption.split())
    advice: list[str] = []
    criteria = {
        "length": _length(text, advice),
        "content": _content(text, advice),
        "clarity": _clarity(text, advice),
    }
    score = round(sum(criteria.values()) / len(criteria))
    level = next(name for least, name in _LEVELS if score >= least)
    feedback = " ".join(advice) or "Nothing to change was found."
    return CaptionVerdict(score, level, score < _SPECIAL_BELOW, criteria, feedback)


def _length(text: str, advice: list[str]) -> int:
    least, most = BEST
    if len(text) > LONGEST:
        advice.append(f"Shorten it to {LONGEST} characters: platforms cut the rest.")
        return 40
    if len(text) > most:
        advice.append(f"Shorten it: {least} to {most} characters are read best.")
        return 80
    if len(text) >= least:
        return 100
    advice.append(f"Say more of what is to be seen: {least} to {most} characters are best.")
    return 60 if len(text) >= _SHORTEST else 20


def _content(text: str, advice: list[str]) -> int:
    score = 70
    if found := _first(text, "uncertain"):
        score -= 40
        advice.append(f"Say only what is to be seen, without {found!r}.")
    if found := _first(text, "generic"):
        score -= 30
        advice.append(f"Leave {found!r} out: who hears it knows that it is an image.")
    if len(text.split()) < _FEWEST_WORDS:
        score -= 25
        advice.append("Write a whole sentence.")
    if _in_latin(text):
        descriptive = len(_pattern("descriptive").findall(text))
        score += 20 if descriptive >= 2 else -20 if descriptive == 0 else 0
        if not descriptive:
            advice.append("Name colours, sizes, places or what people do.")
    return _bounded(score)


def _clarity(text: str, advice: list[str]) -> int:
    score = 90
    if found := _first(text, "vague"):
        score -= 30
        advice.append(f"Name what {found!r} stands for.")
    if not any(end in text for end in _ENDS):
        score -= 10
        advice.append("Write at least one sentence.")
    if text[:1].islower() or not text:
        score -= 10
        advice.append("Begin with a capital letter.")
    if not text.endswith(_ENDS):
        score -= 10
        advice.append("End with a full stop.")
    if repeated := _repeated(text):
        score -= 25
        advice.append(f"Say {repeated!r} less often.")
    return _bounded(score)


def _repeated(text: str) -> str:
    """A word that follows itself, or a longer one that comes three times."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    twice = next((word for word, following in pairwise(words) if word == following), "")
    return twice or next((word for word, times in Counter(words).items() if times >= 3 and len(word) > 3), "")


def _first(text: str, kind: str) -> str:
    if not _in_latin(text):
        return ""
    found = _pattern(kind).search(text)
    return found[0].casefold() if found else ""


def _in_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return sum(character < "\u0250" for character in letters) * 2 >= len(letters)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    words = tomllib.loads((files(__package__) / "captions.toml").read_text("utf-8"))[kind]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})\b", re.IGNORECASE)


def _bounded(score: int) -> int:
    return max(0, min(100, score))
