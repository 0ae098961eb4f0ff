"""How far a draft is from the style it is held to, measure by measure, and what to change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.style.measures import Style

_ENOUGH_SENTENCES: Final = 3  # of a draft, before its sentences say something about its style
_PERSONS: Final = {"first_person": "I", "plural": "we", "reader": "you"}


@dataclass(frozen=True, slots=True)
class Gap:
    """One difference: how large, 0 to 1, and a clause that says what to change."""

    measure: str
    draft: float
    samples: float
    size: float
    advice: str


def gaps(draft: Style, samples: Style) -> tuple[Gap, ...]:
    """Where a draft differs from its author's samples by more than samples differ among each other, largest first."""
    found = [*_form(draft, samples), *_marks(draft, samples)]
    if draft.language == samples.language and draft.words:
        found += _voice(draft, samples)
    return tuple(sorted(found, key=lambda gap: -gap.size))


def _voice(draft: Style, samples: Style) -> Iterator[Gap]:
    if draft.words >= _ENOUGH_SENTENCES * draft.sentence_words:
        theirs, ours = samples.sentence_words, draft.sentence_words
        off = abs(ours - theirs) / max(theirs, 5.0)
        if off > 0.3:
            wish = "shorter" if ours > theirs else "longer"
            advice = f"use {wish} sentences, as your samples do: {theirs:.0f} words on average, not {ours:.0f}"
            yield Gap("sentence_words", ours, theirs, min(1.0, off - 0.3 + 0.2), advice)
    person = max(_PERSONS, key=lambda name: float(getattr(samples, name)))
    theirs, ours = getattr(samples, person), getattr(draft, person)
    if theirs >= 2.0 and ours < 0.25 * theirs:
        yield Gap(person, ours, theirs, min(0.6, theirs / 10), f"write as “{_PERSONS[person]}”, as your samples do")
    if draft.language == "en" and samples.contractions < 0.2 and draft.contractions > 1.5:
        advice = "write contractions out, your samples have none"
        yield Gap("contractions", draft.contractions, samples.contractions, 0.4, advice)
    if draft.language == "en" and samples.contractions > 1.5 and not draft.contractions:
        yield Gap("contractions", 0.0, samples.contractions, 0.3, "use contractions, as your samples do")
    if draft.language == "ko" and abs(draft.polite - samples.polite) > 0.5:
        level = "a polite level" if samples.polite > draft.polite else "a plain level"
        yield Gap("polite", draft.polite, samples.polite, 0.6, f"write at {level}, as your samples do")


def _marks(draft: Style, samples: Style) -> Iterator[Gap]:
    if samples.emoji >= 0.5 and not draft.emoji:
        signs = " ".join(samples.favourite_emoji)
        yield Gap("emoji", 0.0, samples.emoji, 0.5, f"use emoji, as your samples do: {signs}")
    if samples.emoji < 0.1 and draft.emoji > 0.5:
        yield Gap("emoji", draft.emoji, samples.emoji, min(1.0, 0.3 + draft.emoji / 5), "leave emoji out")
    more = draft.exclamations - samples.exclamations
    if more > 0.2:
        advice = "use fewer exclamation marks, your samples have hardly any"
        yield Gap("exclamations", draft.exclamations, samples.exclamations, min(1.0, more), advice)


def _form(draft: Style, samples: Style) -> Iterator[Gap]:
    if samples.hashtags is not None and draft.hashtags is not None and abs(draft.hashtags - samples.hashtags) > 1.5:
        wish = "fewer" if draft.hashtags > samples.hashtags else "more"
        advice = f"use {wish} hashtags, your samples have {samples.hashtags:.0f}"
        off = abs(draft.hashtags - samples.hashtags)
        yield Gap("hashtags", draft.hashtags, samples.hashtags, min(0.6, 0.1 * off), advice)
    if samples.lists is not None and draft.lists is not None and abs(draft.lists - samples.lists) > 0.35:
        wish = "write paragraphs instead of a list" if draft.lists > samples.lists else "set the points as a list"
        off = abs(draft.lists - samples.lists)
        yield Gap("lists", draft.lists, samples.lists, min(0.6, off), f"{wish}, as your samples do")
    if samples.paragraph_sentences and draft.paragraph_sentences:
        ratio = draft.paragraph_sentences / samples.paragraph_sentences
        if ratio > 1.8 or ratio < 0.5:
            wish = "shorter" if ratio > 1 else "longer"
            advice = f"make paragraphs {wish}, in your samples they have {samples.paragraph_sentences:.0f} sentences"
            theirs, ours = samples.paragraph_sentences, draft.paragraph_sentences
            yield Gap("paragraph_sentences", ours, theirs, 0.3, advice)
    if samples.closing_questions is not None and draft.closing_questions is not None:
        theirs, ours = samples.closing_questions, draft.closing_questions
        if theirs < 0.1 and ours:
            yield Gap("closing_questions", ours, theirs, 0.2, "do not close with a question, your samples never do")
        if theirs > 0.8 and not ours:
            yield Gap("closing_questions", ours, theirs, 0.2, "close with a question, as your samples do")
