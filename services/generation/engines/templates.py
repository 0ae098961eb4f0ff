"""The few words a draft may hold that are not from its source: committed texts, one file per language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class ToneTexts:
    """A tone's own words: a label above points, the end of a post, the end of an article."""

    labels: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Templates:
    """The texts that may stand in drafts, and from `dependent_openers` on words by which to know a sentence."""

    takeaways: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()
    tones: Mapping[str, ToneTexts] = field(default_factory=dict)
    dependent_openers: tuple[str, ...] = ()
    common_words: frozenset[str] = frozenset()
    particles: tuple[str, ...] = ()
    verb_endings: tuple[str, ...] = ()

    def labels(self, tone: str) -> tuple[str, ...]:
        """What may stand above the points."""
        return self._of(tone).labels or self.takeaways

    def endings(self, tone: str) -> tuple[str, ...]:
        """What a post may end with."""
        return self._of(tone).endings or self.questions

    def closings_of(self, tone: str) -> tuple[str, ...]:
        """What an article may end with."""
        return self._of(tone).closings or self.closings

    def asking(self, tone: str) -> tuple[str, ...]:
        """The endings that ask, the tone's own where it has any."""
        return tuple(text for text in self._of(tone).endings if text.endswith("?")) or self.questions

    def every(self) -> frozenset[str]:
        """All texts that may stand in a draft."""
        own = [text for tone in self.tones.values() for text in (*tone.labels, *tone.endings, *tone.closings)]
        return frozenset((*self.takeaways, *self.summary, *self.questions, *self.closings, *own))

    def _of(self, tone: str) -> ToneTexts:
        return self.tones.get(tone, _NONE)


_NONE: Final = ToneTexts()
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
    return frozenset(text for language in languages for text in templates(language).every())
