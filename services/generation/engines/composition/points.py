"""The points of a post as its manner has them: a list, numbers, or paragraphs; and how it closes."""

from __future__ import annotations

from collections.abc import Sequence

from ..plan import Plan
from ..sentences import join
from ..templates import Templates


def listed(plan: Plan, texts: Sequence[str], *, bullet: str = "") -> str:
    """The texts, each a sentence; `bullet` stands in for the mark where the platform has its own, as Markdown has."""
    match plan.manner.listing:
        case "numbered":
            return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1))
        case "paragraphs":
            size = plan.manner.paragraph
            return "\n\n".join(join(texts[at : at + size]) for at in range(0, len(texts), size))
        case _:
            # An emoji of the author's own stands after Markdown's mark, which alone makes a list.
            mark = f"{bullet} {plan.manner.mark}" if bullet and not plan.plain_mark else bullet or plan.manner.mark
            return "\n".join(f"{mark} {text}" for text in texts)


def labelled(plan: Plan, texts: Templates, points: str, gap: str = "\n") -> str:
    """The points under a label, where the manner has one."""
    label = plan.turn(texts.labels(plan.tone)) if plan.manner.label else ""
    return f"{label}{gap}{points}" if label and points else points


def closing(plan: Plan, texts: Templates) -> str:
    """What a post closes with: the words of its tone, a question when the feedback asks for one, nothing when not."""
    if "no_question" in plan.wishes:
        return ""
    if "question" in plan.wishes:
        return plan.turn(texts.asking(plan.tone))
    return plan.turn(texts.endings(plan.tone)) if plan.manner.closes else ""


def opened(plan: Plan, opening: str) -> str:
    """The opening, with the author's emoji before it where samples show one."""
    return f"{plan.manner.sign} {opening}" if plan.manner.sign else opening
