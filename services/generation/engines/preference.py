"""Which sentences a tone takes first, and which are most like the author's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from shared.style import Style
from shared.style.marks import FIRST, PLURAL, READER
from shared.style.measures import opening

from .analysis import Analysis
from .ranking import Scores
from .sentences import words
from .tones import Preference, tones

_COMFORTABLE: Final = 30  # words; a longer sentence is no shorter than this to any tone
_LIKE_THE_AUTHOR: Final = 1.0
_OPENS_LIKE_THE_AUTHOR: Final = 0.5
_SPEAKS: Final = 1.0  # in 100 words: the author writes in this person


def preferred(analysis: Analysis, tone: str, style: Style | None) -> tuple[Scores, Scores]:
    """What each candidate gains, once for being taken at all and once more for opening a post."""
    rows = range(len(analysis.candidates))
    liked = np.zeros(len(rows), np.float32)
    opens = np.zeros(len(rows), np.float32)
    for preference in tones()[tone].prefers:
        liked += np.array([_PREFERS[preference](analysis, row) for row in rows], np.float32)
    if style is not None:
        speaks = style.language == analysis.article.language
        for row in rows:
            text = analysis.candidates[row].text
            if speaks:
                liked[row] += _LIKE_THE_AUTHOR * _likeness(text, style)
                opens[row] += _OPENS_LIKE_THE_AUTHOR * style.openings.get(opening(text), 0.0)
            if style.exclamations < 0.05 and analysis.shouts(row):
                liked[row] -= 0.3
    return liked, opens


def _likeness(text: str, style: Style) -> float:
    """-1 (nothing like the author) to 1: the length of the sentence, and who speaks in it."""
    length, usual = max(1, words(text)), max(4.0, style.sentence_words)
    like = 1 - min(2.0, abs(float(np.log(length / usual))))
    for person, rate in ((FIRST, style.first_person), (PLURAL, style.plural), (READER, style.reader)):
        if person.search(text):
            like += 0.3 if rate >= _SPEAKS else -0.1
    return max(-1.0, min(1.0, like))


def _short(analysis: Analysis, row: int) -> float:
    return 0.6 * (1 - min(_COMFORTABLE, words(analysis.candidates[row].text)) / _COMFORTABLE)


def _long(analysis: Analysis, row: int) -> float:
    return 0.4 * min(_COMFORTABLE, words(analysis.candidates[row].text)) / _COMFORTABLE


def _figure(analysis: Analysis, row: int) -> float:
    return 0.3 * analysis.has_number(row)


def _reader(analysis: Analysis, row: int) -> float:
    return 0.3 * bool(READER.search(analysis.candidates[row].text))


def _calm(analysis: Analysis, row: int) -> float:
    return -0.5 * analysis.shouts(row)


def _early(analysis: Analysis, row: int) -> float:
    return 0.8 * (1 - analysis.candidates[row].index / max(1, len(analysis.article.sentences)))


_PREFERS: Final[Mapping[Preference, Callable[[Analysis, int], float]]] = {
    "short": _short,
    "long": _long,
    "figure": _figure,
    "reader": _reader,
    "calm": _calm,
    "early": _early,
}
