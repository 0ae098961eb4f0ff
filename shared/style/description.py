"""A style in plain words, for its author to recognise and for a model to go by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.style.measures import Opening, Style

_OPENINGS: Final[dict[Opening, str]] = {
    "question": "a question",
    "figure": "a figure",
    "reader": "a word to the reader",
    "short": "a short sentence",
    "statement": "a statement",
}


def described(style: Style) -> list[str]:
    """A sentence for each thing that the samples show."""
    return [*_voice(style), *_marks(style), *_form(style)]


def _voice(style: Style) -> Iterator[str]:
    rhythm = "of much the same length" if style.sentence_variation < 0.35 else "of varied length"
    yield f"Sentences have {style.sentence_words:.0f} words on average and are {rhythm}."
    persons = {"I": style.first_person, "we": style.plural, "you": style.reader}
    spoken = [f"“{name}”" for name, rate in persons.items() if rate >= 1.0]
    yield f"The text says {' and '.join(spoken)}." if spoken else "The text seldom says “I”, “we” or “you”."
    if style.language == "en":
        yield "Contractions are usual." if style.contractions >= 1.5 else "Contractions are rare."
    if style.language == "ko":
        yield "Sentences end politely." if style.polite > 0.5 else "Sentences end plainly."
    level = "informal" if style.formality < 0.4 else "formal" if style.formality > 0.75 else "neither formal nor casual"
    yield f"The voice is {level} ({style.formality:.2f} of 1)."
    if style.openings:
        usual = max(style.openings, key=lambda kind: style.openings[kind])
        yield f"Texts usually open with {_OPENINGS[usual]}."


def _marks(style: Style) -> Iterator[str]:
    if style.emoji >= 0.5:
        yield f"Emoji are used, most of all {' '.join(style.favourite_emoji)}."
    else:
        yield "Emoji are rare or absent."
    if style.exclamations > 0.1:
        yield f"{style.exclamations:.0%} of the sentences exclaim."


def _form(style: Style) -> Iterator[str]:
    if style.paragraph_sentences is not None:
        count = max(1, round(style.paragraph_sentences))
        yield f"Paragraphs have about {count} sentence{'s' if count > 1 else ''}."
    if style.lists is not None:
        yield "Points stand as lists." if style.lists >= 0.2 else "Points stand in paragraphs, not in lists."
    if style.hashtags is not None:
        case = " in small letters" if (style.lower_hashtags or 0) > 0.6 and style.hashtags else ""
        yield f"A text has about {style.hashtags:.0f} hashtags{case}." if style.hashtags >= 0.5 else "No hashtags."
    if style.closing_questions is not None and style.closing_questions > 0.6:
        yield "Texts close with a question."
