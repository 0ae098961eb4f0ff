"""Settings of the evaluation service."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from services.evaluation.judges.port import WEIGHTS
from shared.llm.settings import ModelSettings

# Drafts before the judge at once. The offline judge fills its threads with these; the others mostly wait.
_AT_ONCE = {"offline": 4, "model": 32, "instant": 128}


class EvaluationSettings(ModelSettings):
    """The environment of evaluation."""

    port: int = Field(8004, description="Port the HTTP server binds.")

    judge: Literal["offline", "model", "instant"] = Field(
        "offline", description="Who judges drafts: named measures, a model, or 90 for everything."
    )
    judge_weights: dict[str, float] = Field(
        dict(WEIGHTS), description="How much each of the five criteria counts; numbers of 0 or more, all five named."
    )
    model_timeout: float = Field(
        30.0,
        gt=0,
        le=75,
        description="Seconds for one verdict, of which a first of two models gets two thirds; "
        "then the offline judge decides.",
    )

    @model_validator(mode="after")
    def model_is_known(self) -> Self:
        """Who asks for a model says which and where."""
        if self.judge == "model":
            try:
                self.endpoints()
            except ValueError as missing:
                raise ValueError(f"{missing}, or PRESSWORK_JUDGE=offline.") from None
        return self

    def concurrency(self) -> dict[str, int]:
        """Tasks of a kind in hand at once."""
        return {"judge": _AT_ONCE[self.judge], **self.work_concurrency}
