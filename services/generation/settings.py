"""Settings of the generation service."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import ServiceSettings

# Drafts in hand at once. The offline engine fills its threads with these; the others mostly wait, or answer at once.
_AT_ONCE = {"offline": 4, "model": 32, "instant": 128}


class GenerationSettings(ServiceSettings):
    """The environment of generation."""

    port: int = Field(8003, description="Port the HTTP server binds.")

    engine: Literal["offline", "model", "instant"] = Field(
        "offline", description="Who writes drafts: sentences of the source, a model, or its first 200 characters."
    )
    engine_remembered: int = Field(
        64, ge=1, description="Sources whose analysis the offline engine keeps, 0.3 MB each."
    )
    model_base_url: str | None = Field(None, description="Address of an OpenAI-compatible endpoint, up to `/v1`.")
    model_api_key: SecretStr | None = Field(None, description="The endpoint's key; empty when it wants none.")
    model_name: str | None = Field(None, description="Name of the model at the endpoint.")
    model_timeout: float = Field(
        60.0, gt=0, le=75, description="Seconds for one draft; then the offline engine writes."
    )
    model_input_usd: Decimal | None = Field(
        None, ge=0, description="US dollars for a million tokens sent; without it, the provider's known price."
    )
    model_output_usd: Decimal | None = Field(
        None, ge=0, description="US dollars for a million tokens answered; set both or neither."
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
        if self.engine == "model" and not (self.model_base_url and self.model_name):
            raise ValueError(
                "Set PRESSWORK_MODEL_BASE_URL and PRESSWORK_MODEL_NAME for the model, or PRESSWORK_ENGINE=offline."
            )
        if (self.model_input_usd is None) != (self.model_output_usd is None):
            raise ValueError("Set both of PRESSWORK_MODEL_INPUT_USD and PRESSWORK_MODEL_OUTPUT_USD, or neither.")
        return self

    def concurrency(self) -> dict[str, int]:
        """Tasks of a kind in hand at once."""
        at_once = _AT_ONCE[self.engine]
        return {"write": at_once, "write_output": at_once, **self.work_concurrency}
