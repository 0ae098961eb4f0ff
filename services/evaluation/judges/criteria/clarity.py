"""Is it easy to read: sentence length, Flesch reading ease, and what proselint finds."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final

import regex

from ..draft import Draft, quote
from ..rating import Finding, Rating, quoting, rating, up_to

# Words on average and at most in one sentence; Korean packs more into one word.
_COMFORT: Final = {"ko": (13, 20)}
_COMFORT_ELSE: Final = (16, 25)
_EASY: Final = 55.0
# No script sets so many on one letter.
_STACKED: Final = regex.compile(r"\p{M}{5,}")
_MOST_FOUND: Final = 4
_AROUND: Final = 4  # characters: "at " before a superlative makes it something else
_VOWELS: Final = re.compile(r"[aeiouy]+")
# These mark rhetoric or typography, not what a post is read for.
_IGNORED: Final = ("typography", "misc.but", "misc.tense_present", "misc.scare_quotes", "hedging", "restricted")


def rate(draft: Draft) -> Rating:
    """Measures: sentence_words (mean), longest_sentence_words, flesch (English only), proselint (rule → times)."""
    lengths = [len(s.split()) for s in draft.sentences] or [0]
    mean = statistics.fmean(lengths)
    english = draft.language == "en"
    ease = flesch(draft.sentences, draft.words) if english and draft.words else None
    found = list(_proselint(draft)) if english else []
    measures = {
        "sentence_words": round(mean, 1),
        "longest_sentence_words": max(lengths),
        "flesch": round(ease, 1) if ease is not None else "not measured: made for English",
        "proselint": dict(Counter(rule for rule, _ in found)),
    }
    return rating([*_lengths(draft, lengths, mean), *_wording(draft, ease, found)], measures)


def flesch(sentences: tuple[str, ...], words: tuple[str, ...]) -> float:
    """Flesch reading ease (1948): about 0 (a statute) to 100 (a children's book)."""
    syllables = sum(map(_syllables, words))
    return 206.835 - 1.015 * len(words) / max(1, len(sentences)) - 84.6 * syllables / max(1, len(words))


@lru_cache(maxsize=8192)
def _syllables(word: str) -> int:
    word = word.lower()
    count = len(_VOWELS.findall(word))
    silent = (word.endswith("e") and not word.endswith(("le", "ee"))) or (word.endswith(("ed", "es")) and len(word) > 4)
    return max(1, count - silent)


def _lengths(draft: Draft, lengths: list[int], mean: float) -> Iterator[Finding]:
    average, most = _COMFORT.get(draft.language, _COMFORT_ELSE)
    longest = max(draft.sentences, key=lambda s: len(s.split()), default="")
    size = max(lengths)
    if size > most:
        points = up_to(25, 4 + 1.5 * (size - most))
        yield quoting(points, f"shorten the long sentence {{}}, it has {size} words", draft, longest)
    if mean > average:
        # The longest has its own finding when it is too long by itself.
        other = next((s for s in draft.sentences if average < len(s.split()) and s != longest), longest)
        advice = f"use shorter sentences than {{}}, they have {mean:.0f} words on average and {average} read easily"
        yield quoting(up_to(35, 3 * (mean - average)), advice, draft, other)


def _wording(draft: Draft, ease: float | None, found: list[tuple[str, str]]) -> Iterator[Finding]:
    if ease is not None and ease < _EASY:
        hardest = min(draft.sentences, key=lambda s: flesch((s,), tuple(s.split())))
        advice = f"use plainer words than in {{}}, the reading ease is {ease:.0f} of 100"
        yield quoting(up_to(30, 0.8 * (_EASY - ease)), advice, draft, hardest)
    for rule, text in found[:_MOST_FOUND]:
        line = draft.line_of(text)
        yield Finding(6, f"rework {quote(text)} in line {line} ({rule.replace('_', ' ').replace('.', ', ')})", line)
    if stacked := _STACKED.findall(draft.read):
        line = draft.line_with(_STACKED.search)
        yield Finding(up_to(80, 20 * len(stacked)), f"take the stacked marks off the letters in line {line}", line)
    if cut := next((s for s in draft.sentences if s.endswith("…")), ""):
        yield quoting(10, "finish the sentence {}", draft, cut)


@cache
def _checks() -> tuple[Any, ...]:
    from proselint.checks import __register__
    from proselint.config import DEFAULT
    from proselint.registry import CheckRegistry

    registry = CheckRegistry()
    registry.register_many(__register__)
    return tuple(c for c in registry.get_all_enabled(DEFAULT["checks"]) if not c.path.startswith(_IGNORED))


@cache
def _uncomparable() -> re.Pattern[str]:
    """Where the costliest check may have something to say: it tries 400 pairs of words, each over the whole."""
    from proselint.checks import uncomparables as check

    degrees = "|".join((*check.COMPARATORS, *check.FANCY_COMPARATORS))
    return re.compile(rf"\b(?:{degrees})\s+(?:{'|'.join(check.UNCOMPARABLES)})\b", re.I)


def _proselint(draft: Draft) -> Iterator[tuple[str, str]]:
    """(rule, the words) for each finding."""
    whole = f"\n{draft.checked_prose}\n"
    places = islice(_uncomparable().finditer(whole), _MOST_FOUND)
    compared = "".join(f"\n{whole[max(0, m.start() - _AROUND) : m.end() + _AROUND]}\n" for m in places)
    for check in _checks():
        text = compared if check.path == "uncomparables" else whole
        for result in check.check_with_flags(text):
            words = text[result.span[0] : result.span[1]].strip()
            # What two paragraphs make together nobody wrote.
            if "\n" not in words:
                yield check.path, words
