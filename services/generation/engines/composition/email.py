"""A newsletter: an opening, a lead, what matters as a list, and a closing question. Its subject is the title."""

from __future__ import annotations

from typing import Final

from shared.platforms import Platform

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import shorten, words
from ..templates import templates

_MOST_POINTS: Final = 12
_MOST_WORDS: Final = 400


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """As many points as fit the words, in reading order; a single opening, shortened, when none does."""
    most = platform.max_words or _MOST_WORDS
    texts = templates(analysis.article.language)
    hook = hooks(plan)[0]
    opening = shorten(analysis.candidates[hook].text, lambda text: words(text) <= most)
    label = plan.turn(texts.takeaways)
    question = "" if "no_question" in plan.wishes else plan.turn(texts.asks(plan.tone))
    for count in range(_MOST_POINTS, 0, -1):
        rows = points(plan, analysis, count, [hook])
        lead, listed = rows[:1], rows[1:]
        bullets = "\n".join(f"- {analysis.candidates[row].text}" for row in listed)
        parts = [opening, *(analysis.candidates[row].text for row in lead)]
        parts += [f"{label}\n\n{bullets}" if label and bullets else bullets, question]
        letter = "\n\n".join(filter(None, parts))
        if words(letter) <= most:
            return letter
    return opening
