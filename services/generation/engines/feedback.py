"""What a reviewer's words ask for, English or Korean, written by the judge or by a person."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal, cast

Wish = Literal[
    "shorter_sentences",
    "shorter",
    "longer",
    "more_hashtags",
    "fewer_hashtags",
    "question",
    "no_question",
    "hook",
    "numbers",
    "calm",
    "thread",
    "single_post",
]

_QUOTED: Final = re.compile(r"[“\"]([^“”\"]{8,})[”\"]|[‘「『]([^’」』]{8,})[’」』]")


@dataclass(frozen=True, slots=True)
class Revision:
    """What to do otherwise: wishes, sentences to leave out, and, when neither was recognised, a subject to turn to."""

    wishes: frozenset[Wish] = frozenset()
    avoid: tuple[str, ...] = ()
    focus: str = ""


def read(feedback: str | None) -> Revision:
    """The revision a feedback asks for. A sentence quoted beside a complaint is one to leave out."""
    text = (feedback or "").strip()
    if not text:
        return Revision()
    avoid = tuple((m[1] or m[2]).strip().rstrip("…").strip() for m in _QUOTED.finditer(text))
    bare = _QUOTED.sub(" ", text)
    wishes = {wish for wish, pattern in _patterns().items() if pattern.search(bare)}
    if "fewer_hashtags" in wishes:
        wishes.discard("more_hashtags")
    if "no_question" in wishes:
        wishes.discard("question")
    if "single_post" in wishes:
        wishes.discard("thread")
    return Revision(frozenset(wishes), avoid, "" if wishes or avoid else text)


@cache
def _patterns() -> dict[Wish, re.Pattern[str]]:
    found = tomllib.loads((files(__package__) / "wishes.toml").read_text("utf-8"))
    return {cast(Wish, wish): re.compile("|".join(parts), re.IGNORECASE) for wish, parts in found.items()}
