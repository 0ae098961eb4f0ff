"""What a model may answer about a draft, and what is wrong with an answer."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, Field

from .port import CRITERIA, Submission

MOST_WORDS: Final = 40  # of the feedback on one criterion
_TELLING: Final = 40  # characters of the instructions that do not stand in an answer by chance


class Criterion(BaseModel):
    """One criterion: a score, and a sentence that says what to change."""

    score: int = Field(ge=0, le=100)
    feedback: str = Field(min_length=1, max_length=2000)


class Opinion(BaseModel):
    """The form of an answer: the five criteria by their documented names."""

    platform_appropriateness: Criterion
    style_consistency: Criterion
    clarity: Criterion
    engagement: Criterion
    grammar: Criterion

    def criteria(self) -> dict[str, Criterion]:
        """By name, in the documented order."""
        return {name: getattr(self, name) for name in CRITERIA}


@cache
def instructions() -> str:
    """The prompt that every request goes with."""
    return (files(__package__) / "prompts" / "judge.md").read_text("utf-8")


def capped(feedback: str) -> str:
    """One line of at most so many words, ended with an ellipsis where it was longer."""
    words = feedback.replace("\0", "").split()
    kept = " ".join(words[:MOST_WORDS])
    return f"{kept.rstrip('.,;:')}…" if len(words) > MOST_WORDS else kept


def fault(opinion: Opinion, submission: Submission) -> str:
    """What is wrong with an answer, in a sentence that the model is told; empty for a good one."""
    said = " ".join(each.feedback for each in opinion.criteria().values())
    if not all(each.feedback.strip() for each in opinion.criteria().values()):
        return "A criterion has no feedback: say in one sentence what to change."
    if any(line in _plain(said) and line not in _plain(submission.content) for line in _own_lines()):
        return "The feedback repeats these instructions: say what to change in the draft."
    return ""


@cache
def _own_lines() -> tuple[str, ...]:
    lines = (_plain(line.strip("- ")) for line in instructions().splitlines())
    return tuple(line for line in lines if len(line) >= _TELLING)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
