"""An Instagram caption: a first line that shows before "more", short paragraphs, an ending, hashtags by themselves."""

from __future__ import annotations

from typing import Final

from shared.platforms import Platform, measure

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import shorten
from ..templates import templates
from .points import closing, listed, opened
from .tags import tags

# What a reader sees before "more".
_HOOK: Final = 125
_POINT: Final = 280


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """A caption within the limit: points are dropped from the end until it fits, then the ending, then hashtags."""
    limit = platform.max_length or 2200

    def fits(text: str) -> bool:
        return measure(platform, text) <= limit

    ranked = hooks(plan)
    hook = next((row for row in ranked if len(opened(plan, analysis.candidates[row].text)) <= _HOOK), ranked[0])
    opening = opened(plan, shorten(analysis.candidates[hook].text, lambda text: len(opened(plan, text)) <= _HOOK))
    count = plan.manner.points + 2 * ("longer" in plan.wishes) - ("shorter" in plan.wishes)
    rows = points(plan, analysis, count, [hook])
    said = [shorten(analysis.candidates[row].text, lambda text: len(text) <= _POINT) for row in rows]
    ending = closing(plan, templates(analysis.article.language))
    marks = list(tags(analysis, plan, platform))
    while True:
        caption = "\n\n".join(filter(None, [opening, listed(plan, said), ending, " ".join(marks)]))
        if fits(caption):
            return caption
        if said:
            said.pop()
        elif ending:
            ending = ""
        elif marks:
            marks.pop()
        else:
            return shorten(opening, fits)
