"""Settings of the workflow service."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class WorkflowSettings(ServiceSettings):
    """The environment of workflow; the documented numbers of the original are the defaults."""

    min_score: int = Field(70, ge=0, le=100, description="Score from which a draft is good enough for review.")
    max_iterations: int = Field(3, ge=1, le=20, description="Drafts an engine may try before a person decides.")
    inline_characters: int = Field(40_000, ge=1000, le=60_000, description="Longer sources travel by reference.")
    extraction_seconds: float = Field(20.0, gt=0, description="How long a start waits for the text of a file or URL.")
