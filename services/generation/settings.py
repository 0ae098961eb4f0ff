"""Settings of the generation service."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.llm.settings import ModelSettings

# Drafts in hand at once. The offline engine fills its threads with these; the others mostly wait, or answer at once.
_AT_ONCE = {"offline": 4, "model": 32, "instant": 128}


class GenerationSettings(ModelSettings):
    """The environment of generation."""

    port: int = Field(8003, description="Port the HTTP server binds.")

    engine: Literal["offline", "model", "instant"] = Field(
        "offline", description="Who writes drafts: sentences of the source, a model, or its first 200 characters."
    )
    engine_remembered: int = Field(
        64, ge=1, description="Sources whose analysis the offline engine keeps, 0.3 MB each."
    )
    model_timeout: float = Field(
        60.0,
        gt=0,
        le=75,
        description="Seconds for one draft, of which a first of two models gets two thirds; "
        "then the offline engine writes.",
    )
    model_daily_tokens: int = Field(
        1_000_000, ge=0, description="Tokens that models may take in a day (UTC), for writing and judging; 0: no limit."
    )
    model_daily_tokens_per_user: int = Field(
        100_000, ge=0, description="Tokens of these that one user's work may take; 0: no limit."
    )
    retention_stuck_outputs_hours: float = Field(
        1, ge=1, description="After how many hours in hand without an outcome an output fails."
    )
    retention_completed_outputs_days: float = Field(
        90, ge=1, description="After how long a completed output that nobody edits goes to the archive."
    )
    caption_tasks_per_hour: int = Field(10, ge=1, description="Caption tasks that a user may start within an hour.")

    @model_validator(mode="after")
    def model_is_known(self) -> Self:
        """Who asks for a model says which and where."""
        if self.engine == "model":
            try:
                self.endpoints()
            except ValueError as missing:
                raise ValueError(f"{missing}, or PRESSWORK_ENGINE=offline.") from None
        return self

    def concurrency(self) -> dict[str, int]:
        """Tasks of a kind in hand at once."""
        at_once = _AT_ONCE[self.engine]
        return {"write": at_once, "write_output": at_once, **self.work_concurrency}
