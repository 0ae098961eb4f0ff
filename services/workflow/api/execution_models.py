"""What the API takes and gives about executions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from contracts.events.workflow import InputType
from services.workflow.schemas import In, Text

ExecutionStatus = Literal["planned", "running", "validating", "correcting", "completed", "failed", "cancelled"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]
ArtifactType = Literal["summary", "analysis", "documentation", "visualization", "data_export"]


class NewExecution(In):
    """An input to work on, as JSON or as a form; a form may bring the file itself as `file`."""

    input_type: InputType
    input_value: Annotated[Text, Field(min_length=1, max_length=100_000)] | None = Field(
        None,
        description="The text, the code or the URL; beside a file its name.",
        examples=["Bread rises."],
    )
    file_id: UUID | None = Field(None, description="A file uploaded before.")
    auto_correct: bool = Field(True, description="Correct and run a step again whose output does not pass.")
    max_retries: int = Field(3, ge=0, le=10, description="How often a step may be run again.")

    @model_validator(mode="after")
    def has_an_input(self) -> NewExecution:
        if self.input_type == "pdf" and self.file_id is None:
            raise ValueError("Send the PDF as `file` in a form, or name one uploaded before as `file_id`.")
        if self.file_id is None and not (self.input_value and self.input_value.strip()):
            raise ValueError("Send what to work on as `input_value`, or a file.")
        if self.input_type in ("url", "youtube"):
            value = (self.input_value or "").strip()
            if self.file_id is not None or not value.startswith(("http://", "https://")) or " " in value:
                raise ValueError("Send an http or https URL as `input_value`, and no file.")
            if self.input_type == "youtube" and not _is_youtube(value):
                raise ValueError("Send the URL of a video on youtube.com or youtu.be as `input_value`.")
        return self


def _is_youtube(url: str) -> bool:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    return host in ("youtu.be", "youtube.com") or host.endswith(".youtube.com")


class Execution(BaseModel):
    """An execution and its plan: each step's status, output, attempts and duration in milliseconds."""

    id: UUID
    input_type: InputType
    input_value: str
    input_file_id: UUID | None
    input_file_url: str | None
    status: ExecutionStatus
    plan: dict[str, Any]
    current_step: int = Field(description="Number of the step under way; 0 before the first.")
    auto_correct: bool
    max_retries: int
    metadata: dict[str, Any]
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class ActiveExecution(Execution):
    """One that is under way, and whose it is."""

    user_id: UUID


class LogLine(BaseModel):
    id: UUID
    timestamp: datetime
    level: LogLevel
    message: str
    metadata: dict[str, Any] | None
    step_id: int | None = Field(description="Number of the step it is about.")

    @classmethod
    def of(cls, row: Any) -> LogLine:
        """The view of a row of `execution_logs`."""
        return cls(**row, timestamp=row["created_at"])


class Artifact(BaseModel):
    id: UUID
    type: ArtifactType
    name: str | None
    data: dict[str, Any] | None
    file_url: str | None
    file_size_bytes: int | None
    mime_type: str | None
    verified: bool
    created_at: datetime


class ExecutionDetails(Execution):
    """With the newest hundred log lines and artifacts; the lists of each page through all."""

    logs: list[LogLine]
    artifacts: list[Artifact]


class Statistics(BaseModel):
    """Of all your executions."""

    total_executions: int
    successful: int
    failed: int
    avg_duration_sec: float | None = Field(description="Mean time from start to end in seconds; null: none has ended.")
