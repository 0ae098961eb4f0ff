"""A thread: the opening with its hashtags, then a post a point, the last one with the closing question."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from shared import threads
from shared.platforms import Platform, measure

from ..analysis import Analysis
from ..plan import Plan, hooks, points
from ..sentences import join, shorten, words
from ..templates import templates
from .points import closing, opened
from .tags import tags

# What says more than one post holds, and has enough sentences to choose from.
_FEWEST_WORDS: Final = 300
_FEWEST_SENTENCES: Final = 10
_WIDEST_NUMBER: Final = "10/10 "


def deserved(analysis: Analysis, plan: Plan) -> bool:
    """Whether the source is to become a thread: as asked for, else as before, else when it says enough for one."""
    if len(analysis.candidates) < 2 or "single_post" in plan.wishes:
        return False
    if "thread" in plan.wishes or plan.was_thread is not None:
        return "thread" in plan.wishes or bool(plan.was_thread)
    said = sum(words(sentence.text) for sentence in analysis.article.sentences)
    return said >= _FEWEST_WORDS and len(analysis.candidates) >= _FEWEST_SENTENCES


def compose(analysis: Analysis, plan: Plan, platform: Platform) -> str:
    """Numbered posts, each within the limit."""
    most = platform.max_length

    def fits(text: str) -> bool:
        return most is None or measure(platform, f"{_WIDEST_NUMBER}{text}") <= most

    marks = " ".join(tags(analysis, plan, platform))
    opening, hook = _opening(analysis, plan, marks, fits)
    count = plan.manner.points + 1 + 2 * ("longer" in plan.wishes) - ("shorter" in plan.wishes)
    rows = points(plan, analysis, count, [hook])
    used = {analysis.candidates[row].text for row in (hook, *rows)}
    posts = [opening, *(_grown(analysis, plan, row, used, fits) for row in rows)]
    if question := closing(plan, templates(analysis.article.language)):
        asked = f"{posts[-1]}\n\n{question}"
        posts[-1:] = [asked] if len(posts) > 1 and fits(asked) else [posts[-1], question]
    return threads.number(posts)


def _opening(analysis: Analysis, plan: Plan, marks: str, fits: Callable[[str], bool]) -> tuple[str, int]:
    """The first post and the row it opens with: the best that fits whole, or else the best one shortened."""
    tail = f"\n\n{marks}" if marks else ""
    ranked = hooks(plan)
    heads = {row: opened(plan, analysis.candidates[row].text) for row in ranked}
    for row in ranked:
        if fits(heads[row] + tail):
            return heads[row] + tail, row
    return shorten(heads[ranked[0]], lambda head: fits(head + tail)) + tail, ranked[0]


def _grown(analysis: Analysis, plan: Plan, row: int, used: Collection[str], fits: Callable[[str], bool]) -> str:
    """A point, and the sentences that follow it in its paragraph as far as they fit and are not said elsewhere."""
    point = analysis.candidates[row]
    if not fits(point.text):
        return shorten(point.text, fits)
    said = [point.text]
    # With samples of theirs the author's paragraphs are known, and no post grows beyond one.
    most = plan.manner.paragraph if plan.manner.longest_paragraph is not None else None
    for sentence in _following(analysis, point.index):
        if len(said) == most or sentence in used or plan.avoids(sentence) or not fits(join([*said, sentence])):
            break
        said.append(sentence)
    return join(said)


def _following(analysis: Analysis, index: int) -> list[str]:
    for section in analysis.article.sections:
        for passage in section.passages:
            if any(sentence.index == index for sentence in passage.sentences):
                return [sentence.text for sentence in passage.sentences if sentence.index > index]
    return []
