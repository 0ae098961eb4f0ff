"""The port through which drafts are judged: what is handed in, what comes back, what a judge is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol
from uuid import UUID

from shared.llm.spending import Spent
from shared.style import Style

CRITERIA: Final = ("platform_appropriateness", "style_consistency", "clarity", "engagement", "grammar")

# What users read as their names.
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "platform_appropriateness": "Platform",
        "style_consistency": "Style",
        "clarity": "Clarity",
        "engagement": "Engagement",
        "grammar": "Grammar",
    }
)

# How much each criterion counts; any positive numbers, their sum need not be 1.
WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "platform_appropriateness": 0.25,
        "style_consistency": 0.15,
        "clarity": 0.20,
        "engagement": 0.25,
        "grammar": 0.15,
    }
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One draft to judge, held to the style of its author's samples where there are any.

    An empty `language` (else ISO 639-1) has it detected. `weights` are those of its workflow, instead of the judge's;
    `user_id` is whose budget it is.
    """

    platform: str
    content: str
    title: str = ""
    language: str = ""
    tone: str = "professional"
    style: Style | None = None
    weights: Mapping[str, float] | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores are 0 to 100, `score` their mean by `weights`. `feedback` says what to change, `measures` why.

    `spent` is what models took, also those whose answer was of no use.
    """

    score: int
    criteria_scores: dict[str, int]
    feedback: str
    judge: str
    measures: dict[str, Any] = field(default_factory=dict)
    model: str | None = None
    weights: dict[str, float] = field(default_factory=dict)
    spent: tuple[Spent, ...] = ()


class Judge(Protocol):
    """Whatever judges drafts."""

    async def judge(self, submission: Submission) -> Verdict:
        """Judge one draft. Raises KeyError for an unknown platform."""
        ...


def overall(criteria_scores: Mapping[str, int], weights: Mapping[str, float] = WEIGHTS) -> int:
    """The weighted mean of the five scores, rounded. Raises ValueError for weights that do not fit the criteria."""
    if set(weights) != set(CRITERIA) or min(weights.values()) < 0 or not sum(weights.values()):
        raise ValueError(f"Weights must be numbers of 0 or more for exactly: {', '.join(CRITERIA)}.")
    return round(sum(criteria_scores[name] * weight for name, weight in weights.items()) / sum(weights.values()))
