"""How a draft is built: by its tone, and before that by the author's own style where samples tell it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from shared.style import Style

from .tones import Listing, tones

# Samples with a list in one paragraph of five show that their author uses lists.
_USES_LISTS: Final = 0.2
_USES_EMOJI: Final = 0.5  # in 100 words
_SELDOM: Final = 0.2
_OFTEN: Final = 0.6


@dataclass(frozen=True, slots=True)
class Manner:
    """`paragraph` is how many sentences a paragraph of points holds, `sign` an emoji before the opening, `tags` how
    many hashtags the author uses (None: as the platform has them)."""

    listing: Listing
    mark: str
    points: int
    lead: bool
    label: bool
    asks: bool
    closes: bool = True
    paragraph: int = 1
    longest_paragraph: int | None = None
    sign: str = ""
    tags: int | None = None
    lower_tags: bool = False


def manner(tone: str, style: Style | None) -> Manner:
    """The manner of a tone (a preset's name), bent towards the style."""
    preset = tones()[tone]
    made = Manner(
        listing=preset.listing,
        mark=preset.mark,
        points=preset.points,
        lead=preset.lead,
        label=preset.label,
        asks=preset.asks,
        paragraph=2 if preset.points > 4 else 1,
    )
    return made if style is None else _in_style(made, style)


def _in_style(made: Manner, style: Style) -> Manner:
    if style.lists is not None:
        if style.lists < _USES_LISTS / 2:
            made = replace(made, listing="paragraphs", label=False)
        elif style.lists >= _USES_LISTS and made.listing == "paragraphs":
            made = replace(made, listing="list")
    if style.paragraph_sentences is not None:
        size = max(1, min(4, round(style.paragraph_sentences)))
        made = replace(made, paragraph=size, longest_paragraph=size + 1)
        if made.listing == "paragraphs":
            # Whole paragraphs, so that the last is not a lonely sentence.
            made = replace(made, points=max(made.points, size * 2) if size > 1 else made.points)
    if style.hashtags is not None:
        made = replace(made, tags=round(style.hashtags), lower_tags=(style.lower_hashtags or 0.0) > _OFTEN)
    if style.closing_questions is not None:
        often = style.closing_questions > _OFTEN
        made = replace(made, closes=style.closing_questions >= _SELDOM, asks=often or (made.asks and not _never(style)))
    if style.emoji >= _USES_EMOJI and style.favourite_emoji:
        sign = style.favourite_emoji[0]
        made = replace(made, mark=sign) if made.listing == "list" else replace(made, sign=sign)
    return made


def _never(style: Style) -> bool:
    return style.closing_questions is not None and style.closing_questions < _SELDOM
