"""A single short post: the opening, a second thought when it fits, hashtags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.platforms import Platform, measure

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import shorten
from ..templates import templates
from .points import closing, opened
from .tags import tags

# A sentence cut shorter than this says nothing: rather no hashtags.
_WORTH_READING: Final = 40


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """One post within the limit. A sentence is shortened only when none fits whole."""
    limit = platform.max_length

    def fits(text: str) -> bool:
        return limit is None or measure(platform, text) <= limit

    def head(row: int) -> str:
        return opened(plan, analysis.candidates[row].text)

    question = closing(plan, templates(analysis.article.language)) if plan.ask else ""
    # What must yield when space is short: first the second sentence, then tags, then the question.
    marks = " ".join(tags(analysis, plan, platform))
    for ending in ([question, marks], [question], [marks], []):
        tail = "".join(f"\n\n{part}" for part in ending if part)
        best = next((row for row in hooks(plan) if fits(head(row) + tail)), None)
        if best is not None:
            return _filled(analysis, plan, best, head(best), tail, fits)
        text = shorten(head(hooks(plan)[0]), _before(tail, fits))
        if len(text) > _WORTH_READING:
            return text + tail
    return text


def _before(tail: str, fits: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda head: fits(head + tail)


def _filled(analysis: Analysis, plan: Plan, hook: int, head: str, tail: str, fits: Callable[[str], bool]) -> str:
    if "shorter" not in plan.wishes:
        rows = points(plan, analysis, 6, [hook])
        # From the third round on another second thought each time: there is little else to change.
        first = max(0, plan.variant - 1) % len(rows) if rows else 0
        for row in rows[first:] + rows[:first]:
            longer = f"{head}\n\n{analysis.candidates[row].text}"
            if fits(longer + tail):
                return longer + tail
    return head + tail
