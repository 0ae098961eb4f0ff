"""A LinkedIn post: a hook alone on top, takeaways, a closing question, hashtags."""

from __future__ import annotations

from shared.platforms import Platform, measure

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import shorten
from ..templates import templates
from .points import closing, labelled, listed, opened
from .tags import tags

# What a reader sees before "see more".
_HOOK = 210
_POINT = 320


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """A post within the limit: points are dropped from the end until it fits."""
    limit = platform.max_length or 3000

    def fits(text: str) -> bool:
        return measure(platform, text) <= limit

    texts = templates(analysis.article.language)
    ranked = hooks(plan)
    hook = next((row for row in ranked if len(analysis.candidates[row].text) <= _HOOK), ranked[0])
    opening = opened(plan, shorten(analysis.candidates[hook].text, lambda text: len(opened(plan, text)) <= _HOOK))
    count = plan.manner.points + 2 * ("longer" in plan.wishes) - ("shorter" in plan.wishes)
    # One more than listed: the first in reading order leads from the hook to the list.
    rows = points(plan, analysis, count + plan.manner.lead, [hook])
    lead = [analysis.candidates[row].text for row in rows[: plan.manner.lead and len(rows) > count]]
    said = [shorten(analysis.candidates[row].text, lambda text: len(text) <= _POINT) for row in rows[len(lead) :]]
    question = closing(plan, texts)
    marks = " ".join(tags(analysis, plan, platform))
    while True:
        parts = [opening, *lead, labelled(plan, texts, listed(plan, said)), question, marks]
        post = "\n\n".join(filter(None, parts))
        if fits(post):
            return post
        if not (said or lead or question or marks):
            return shorten(opening, fits)
        if said:
            said.pop()
        elif lead:
            lead.clear()
        elif question:
            question = ""
        else:
            marks = ""
