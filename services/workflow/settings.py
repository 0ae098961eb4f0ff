"""Settings of the workflow service."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class WorkflowSettings(ServiceSettings):
    """The environment of workflow; the documented numbers of the original are the defaults."""

    min_score: int = Field(70, ge=0, le=100, description="Score from which a draft is good enough for review.")
    max_iterations: int = Field(3, ge=1, le=20, description="Drafts an engine may try before a person decides.")
    public_url: str = Field(
        "",
        description="Address at which people reach the gateway, as https://example.org, for links that go to others; "
        "empty: the one at which the link was asked for.",
    )
    inline_characters: int = Field(40_000, ge=1000, le=60_000, description="Longer sources travel by reference.")
    retention_inactive_workflows_days: float = Field(
        90, ge=1, description="After how long without a change a completed workflow is archived."
    )
    retention_checkpoints_days: float = Field(
        1, ge=0, description="How long checkpoints are kept of a workflow that has ended."
    )
    retention_completed_executions_days: float = Field(
        90, ge=1, description="How long an execution is kept that was completed or cancelled."
    )
    retention_failed_executions_days: float = Field(30, ge=1, description="How long a failed execution is kept.")
    retention_execution_logs_days: float = Field(30, ge=1, description="How long the logs of executions are kept.")
    retention_processing_runs_days: float = Field(
        90, ge=1, description="How long the record of a processing run is kept that is over."
    )
    retention_imports_days: float = Field(
        90, ge=1, description="How long what is known of an import is kept that is over."
    )
    extraction_seconds: float = Field(20.0, gt=0, description="How long a start waits for the text of a file or URL.")
