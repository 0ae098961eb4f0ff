"""The few words a draft may hold that are not from its source: committed texts, one file per language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Templates:
    """The texts that may stand in drafts, and from `dependent_openers` on words by which to know a sentence."""

    takeaways: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    casual_questions: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()
    dependent_openers: tuple[str, ...] = ()
    common_words: frozenset[str] = frozenset()
    particles: tuple[str, ...] = ()
    verb_endings: tuple[str, ...] = ()

    def asks(self, tone: str) -> tuple[str, ...]:
        """The questions to close with in this tone."""
        return self.casual_questions if tone in ("casual", "friendly") and self.casual_questions else self.questions


_SHAPE: Final = TypeAdapter(Templates)


@cache
def templates(language: str) -> Templates:
    """The texts of a language; for a language without a file only marks that need none."""
    folder = files(__package__) / "templates"
    file = folder / f"{language}.toml"
    return _SHAPE.validate_python(tomllib.loads((file if file.is_file() else folder / "und.toml").read_text("utf-8")))


@cache
def every_text() -> frozenset[str]:
    """Every template text of every language that may stand in a draft."""
    languages = [file.name.removesuffix(".toml") for file in (files(__package__) / "templates").iterdir()]
    return frozenset(
        text
        for language in languages
        for t in (templates(language),)
        for text in (*t.takeaways, *t.summary, *t.questions, *t.casual_questions, *t.closings)
    )
