"""A person's style, from the samples they gave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.style.measures import Opening, Style

_FAVOURITES: Final = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """The measures of one sample and the platform it was written for; empty for none in particular."""

    platform: str
    style: Style


def profile(samples: Sequence[Sample], platform: str = "", language: str = "") -> Style | None:
    """The style that a text for `platform` in `language` is held to; None without samples.

    Samples for the platform count alone where there are any; without them those for none, else all, and then without
    the form of posts, which differs from platform to platform. Of several languages the one in question counts, else
    the one with most words.
    """
    exact = [sample for sample in samples if sample.platform == platform] if platform else list(samples)
    kept = exact or [sample for sample in samples if not sample.platform] or list(samples)
    kept = [sample for sample in kept if sample.style.words]
    if not kept:
        return None
    amount: Counter[str] = Counter()
    for sample in kept:
        amount[sample.style.language] += sample.style.words
    spoken = language if language in amount else max(amount, key=lambda name: (amount[name], name))
    merged = _merged([sample.style for sample in kept if sample.style.language == spoken])
    if exact or not platform:
        return merged
    return replace(
        merged, paragraph_sentences=None, lists=None, hashtags=None, lower_hashtags=None, closing_questions=None
    )


def _merged(styles: Sequence[Style]) -> Style:
    """Means: by words where words are counted, by texts where texts are."""
    words, texts = sum(style.words for style in styles), sum(style.texts for style in styles)

    def by_words(value: Callable[[Style], float]) -> float:
        return round(sum(value(style) * style.words for style in styles) / words, 3)

    def by_texts(value: Callable[[Style], float | None]) -> float | None:
        known = [(found, style.texts) for style in styles if (found := value(style)) is not None]
        return round(sum(each * weight for each, weight in known) / sum(w for _, w in known), 3) if known else None

    openings: defaultdict[Opening, float] = defaultdict(float)
    emoji: Counter[str] = Counter()
    for style in styles:
        for kind, share in style.openings.items():
            openings[kind] += share * style.texts / texts
        for place, sign in enumerate(style.favourite_emoji):
            emoji[sign] += _FAVOURITES - place
    return Style(
        language=styles[0].language,
        texts=texts,
        words=words,
        sentence_words=by_words(lambda style: style.sentence_words),
        sentence_variation=by_words(lambda style: style.sentence_variation),
        exclamations=by_words(lambda style: style.exclamations),
        questions=by_words(lambda style: style.questions),
        emoji=by_words(lambda style: style.emoji),
        contractions=by_words(lambda style: style.contractions),
        first_person=by_words(lambda style: style.first_person),
        plural=by_words(lambda style: style.plural),
        reader=by_words(lambda style: style.reader),
        polite=by_words(lambda style: style.polite),
        openings={kind: round(share, 3) for kind, share in sorted(openings.items())},
        favourite_emoji=tuple(sorted(emoji, key=lambda sign: (-emoji[sign], sign))[:_FAVOURITES]),
        paragraph_sentences=by_texts(lambda style: style.paragraph_sentences),
        lists=by_texts(lambda style: style.lists),
        hashtags=by_texts(lambda style: style.hashtags),
        lower_hashtags=by_texts(lambda style: style.lower_hashtags),
        closing_questions=by_texts(lambda style: style.closing_questions),
    )
