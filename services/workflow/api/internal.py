"""What other parts of the platform report: how steps went, what came out, how far a batch has come."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.workflow import queries
from services.workflow.api.execution_models import ArtifactType
from services.workflow.domain import execution as ask
from services.workflow.domain.run import FinishRun, Progress, ReportProgress
from services.workflow.schemas import Text
from shared.http.internal import InternalOnly
from shared.kit import kit_of

router = APIRouter(prefix="/internal", dependencies=[InternalOnly], include_in_schema=False)

_BIG = 2_147_483_647  # the largest integer a column holds
Count = Annotated[int, Field(ge=0, le=_BIG)]
Share = Annotated[float, Field(ge=0, le=1)]
Said = Annotated[Text, Field(min_length=1, max_length=5000)]


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attempt: int = Field(ge=1, le=1000, description="Of the step, from 1.")


class Started(_Report):
    event: Literal["started"]


class Completed(_Report):
    event: Literal["completed"]
    output: Any = None
    duration_ms: Count


class Failed(_Report):
    event: Literal["failed"]
    reason: Said
    duration_ms: Count


class Validated(_Report):
    event: Literal["validated"]
    passed: bool
    score: Share
    errors: list[Said] = Field([], max_length=100)
    warnings: list[Said] = Field([], max_length=100)


class Corrected(_Report):
    event: Literal["corrected"]
    root_cause: Said
    strategy: Said
    action: Said
    confidence: Share
    adjusted_parameters: dict[str, Any] = {}


StepReport = Annotated[Started | Completed | Failed | Validated | Corrected, Field(discriminator="event")]


class NewArtifact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: ArtifactType
    name: Annotated[Text, Field(max_length=255)] | None = None
    data: dict[str, Any] | None = None
    file_url: Annotated[Text, Field(max_length=2000)] | None = None
    file_size_bytes: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    mime_type: Annotated[Text, Field(max_length=100)] | None = None
    verified: bool = False


class RunProgress(BaseModel):
    """Figures counted from the start of the run; time in seconds."""

    model_config = ConfigDict(extra="forbid")

    posts_processed: Count = 0
    images_processed: Count = 0
    captions_generated: Count = 0
    errors_count: Count = 0
    retry_attempts: Count = 0
    retry_successes: Count = 0
    retry_failures: Count = 0
    retry_total_time: Count = 0
    retry_stats: dict[str, Any] | None = None


class RunEnd(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["completed", "failed"]


class State(BaseModel):
    """Where the execution is now."""

    status: str
    current_step: int
    step_status: str
    attempts: int


@router.post("/executions/{execution_id}/steps/{step}")
async def report_step(
    execution_id: UUID, step: Annotated[int, Path(ge=1, le=100)], body: StepReport, request: Request
) -> State:
    """How an attempt at a step went. The same report again changes nothing; one out of turn gets 409."""
    kit = kit_of(request)
    state: ask.Execution = await kit.handle(_command(execution_id, step, body), actor=None)
    now = state.steps[step - 1]
    return State(status=state.status, current_step=state.current_step, step_status=now.status, attempts=now.attempts)


@router.put("/executions/{execution_id}/artifacts/{artifact_id}", status_code=204)
async def add_artifact(execution_id: UUID, artifact_id: UUID, body: NewArtifact, request: Request) -> Response:
    """Something to keep came out of an execution; the id is of the sender's choice."""
    kit = kit_of(request)
    fields = body.model_dump(exclude={"type"})
    command = ask.ProduceArtifact(execution_id, artifact_id, artifact_type=body.type, **fields)
    await kit.handle(command, actor=None)
    return Response(status_code=204)


@router.post("/processing-runs/{run_id}/progress", status_code=204)
async def report_progress(run_id: UUID, body: RunProgress, request: Request) -> Response:
    """How far a batch has come."""
    kit = kit_of(request)
    await kit.handle(ReportProgress(run_id, Progress(**body.model_dump())), actor=None)
    return Response(status_code=204)


@router.post("/processing-runs/{run_id}/finish", status_code=204)
async def finish_run(run_id: UUID, body: RunEnd, request: Request) -> Response:
    """A batch is over."""
    kit = kit_of(request)
    await kit.handle(FinishRun(run_id, body.status), actor=None)
    return Response(status_code=204)


class Files(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file_ids: list[UUID] = Field(max_length=1000)


@router.post("/files/in-use")
async def files_in_use(body: Files, request: Request) -> Files:
    """Which of these files a workflow or an execution was given that has not ended: media keeps them."""
    kit = kit_of(request)
    async with kit.database.reading(None) as connection:
        return Files(file_ids=await queries.files_in_use(connection, body.file_ids))


def _command(execution_id: UUID, step: int, report: StepReport) -> ask.StepCommand:
    match report:
        case Started(attempt=attempt):
            return ask.StartStep(execution_id, step, attempt)
        case Completed(attempt=attempt):
            return ask.CompleteStep(execution_id, step, attempt, report.output, report.duration_ms)
        case Failed(attempt=attempt):
            return ask.FailStep(execution_id, step, attempt, report.reason, report.duration_ms)
        case Validated(attempt=attempt):
            return ask.ValidateStep(
                execution_id,
                step,
                attempt,
                report.passed,
                report.score,
                tuple(report.errors),
                tuple(report.warnings),
            )
        case Corrected(attempt=attempt):
            return ask.CorrectStep(
                execution_id,
                step,
                attempt,
                report.root_cause,
                report.strategy,
                report.action,
                report.confidence,
                report.adjusted_parameters,
            )
