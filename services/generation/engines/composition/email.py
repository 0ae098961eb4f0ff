"""A newsletter: an opening, a lead, what matters as a list, and a close. Its subject is the title, with a preheader."""

from __future__ import annotations

from typing import Final

from shared.platforms import Platform

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import shorten, words
from ..templates import templates
from .points import closing, labelled, listed, opened

_MOST_POINTS: Final = 12
_MOST_WORDS: Final = 400
_PREHEADER: Final = 90  # characters; most inboxes show no more


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """As many points as fit the words, in reading order; a single opening, shortened, when none does."""
    most = platform.max_words or _MOST_WORDS
    texts = templates(analysis.article.language)
    hook = hooks(plan)[0]
    opening = opened(plan, shorten(analysis.candidates[hook].text, lambda text: words(text) <= most))
    question = closing(plan, texts)
    for count in range(_MOST_POINTS, 0, -1):
        rows = points(plan, analysis, count, [hook])
        said = [analysis.candidates[row].text for row in rows]
        lead, rest = said[: plan.manner.lead], said[plan.manner.lead :]
        parts = [opening, *lead, labelled(plan, texts, listed(plan, rest, bullet="-"), "\n\n"), question]
        letter = "\n\n".join(filter(None, parts))
        if max(words(letter), len(letter.split())) <= most:  # most counters take the marks of a list for words
            return letter
    return opening


def preheader(analysis: Analysis, plan: Plan, letter: str) -> str:
    """What an inbox shows beside the subject: another sentence than the letter opens with, shortened to 90."""
    opening = letter.partition("\n")[0]
    for row in hooks(plan):
        text = analysis.candidates[row].text
        if text not in opening and text != analysis.article.title:
            return shorten(text, lambda kept: len(kept) <= _PREHEADER)
    return ""
