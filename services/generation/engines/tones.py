"""The tones that drafts are written in: presets by name, each with a build of its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from pydantic import TypeAdapter

Listing = Literal["list", "numbered", "paragraphs"]
Preference = Literal["short", "long", "figure", "reader", "calm", "early"]

DEFAULT: Final = "professional"


@dataclass(frozen=True, slots=True)
class Tone:
    """How a draft is built: see tones.toml."""

    about: str
    known: tuple[str, ...] = ()
    listing: Listing = "list"
    mark: str = "•"
    points: int = 3
    lead: bool = True
    label: bool = True
    asks: bool = False
    prefers: frozenset[Preference] = frozenset()


@cache
def tones() -> Mapping[str, Tone]:
    """The presets by name."""
    text = (files(__package__) / "tones.toml").read_text("utf-8")
    return TypeAdapter(dict[str, Tone]).validate_python(tomllib.loads(text))


@cache
def recognised(wanted: str) -> str:
    """The preset of this name, else the first whose words stand in the description, as in "warm and plain".

    Gives the default for words that belong to none.
    """
    found = wanted.strip().casefold()
    if found in tones():
        return found
    places = {
        name: match.start() for name, pattern in _patterns().items() if (match := pattern.search(found)) is not None
    }
    return min(places, key=places.__getitem__) if places else DEFAULT


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    # "informal" is not formal: a word counts from its beginning.
    return {
        name: re.compile("|".join(rf"\b(?:{known})" for known in tone.known), re.IGNORECASE)
        for name, tone in tones().items()
    }
