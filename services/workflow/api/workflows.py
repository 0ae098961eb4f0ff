"""Projects and workflows over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.workflow import queries
from services.workflow.api.beginnings import content_of, stands_alone
from services.workflow.api.decisions import check_images, decision_of, publication_of
from services.workflow.domain import commands as ask
from services.workflow.domain.project import CreateProject, DeleteProject, UpdateProject
from services.workflow.schemas import (
    DayOfProjects,
    NewProject,
    NewWorkflow,
    Project,
    ProjectChange,
    PublishIn,
    PublishRequest,
    ReviewIn,
    Workflow,
    WorkflowStatus,
    WorkflowWithStates,
)
from services.workflow.tools import Tools
from shared.decider import NotFound
from shared.http.idempotency import Idempotency, UnseenIdempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser, Moderator
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1")

_NO_PROJECT = "There is no such project; list your projects to see which there are."
_NO_WORKFLOW = "There is no such workflow; list your workflows to see which there are."


@router.post("/projects", status_code=201, tags=["projects"])
async def create_project(body: NewProject, request: Request, user: CurrentUser, idempotency: Idempotency) -> Project:
    """Make a project."""
    project_id = idempotency.id()
    command = CreateProject(project_id, user.user_id, body.title, body.description)
    await idempotency.handle(command, actor=user.user_id)
    return await _project(request, user.user_id, project_id)


@router.get("/projects", tags=["projects"])
async def list_projects(request: Request, user: CurrentUser, page: PageQuery) -> Page[Project]:
    """Your projects, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.projects(connection, user.user_id, page)
    return page.page(rows, lambda row: Project(**row))


@router.get("/projects/activity", tags=["projects"])
async def read_activity(
    request: Request, user: Moderator, days: Annotated[int, Query(ge=1, le=366, description="How far back.")] = 30
) -> list[DayOfProjects]:
    """How many users made projects on each day, newest first; days without any are left out."""
    since = datetime.now(UTC) - timedelta(days=days)
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        rows = await queries.activity(connection, since)
    return [DayOfProjects(**row) for row in rows]


@router.get("/projects/{project_id}", tags=["projects"])
async def read_project(project_id: UUID, request: Request, user: CurrentUser) -> Project:
    """One project."""
    return await _project(request, user.user_id, project_id)


@router.patch("/projects/{project_id}", tags=["projects"])
async def change_project(project_id: UUID, body: ProjectChange, request: Request, user: CurrentUser) -> Project:
    """Change a project's title or description."""
    command = UpdateProject(project_id, user.user_id, body.title, body.description)
    await kit_of(request).handle(command, actor=user.user_id)
    return await _project(request, user.user_id, project_id)


@router.delete("/projects/{project_id}", status_code=204, tags=["projects"])
async def delete_project(project_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Delete a project and its workflows."""
    await kit_of(request).handle(DeleteProject(project_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.get("/projects/{project_id}/workflows", tags=["projects"])
async def list_workflows_of_project(
    project_id: UUID, request: Request, user: CurrentUser, page: PageQuery
) -> Page[Workflow]:
    """The workflows of a project, newest first."""
    await _project(request, user.user_id, project_id)
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.workflows(connection, user.user_id, page, None, project_id)
    return page.page(rows, lambda row: Workflow(**row))


@router.post("/workflows", status_code=201, tags=["workflows"])
async def start_workflow(
    body: NewWorkflow, request: Request, user: CurrentUser, idempotency: UnseenIdempotency
) -> WorkflowWithStates:
    """Start a workflow: drafts appear per platform, are judged, and wait for your review."""
    kit = kit_of(request)
    workflow_id = idempotency.id()
    tools: Tools = kit.tools
    if body.project_id is not None or not stands_alone(body, tools):
        await idempotency.look_up()  # before asking others for what a repeat does not need
    if not idempotency.replayed:
        if body.project_id is not None:
            await _project(request, user.user_id, body.project_id)
        content = await content_of(body, tools, user.user_id, request.headers["authorization"])
        command = ask.StartWorkflow(
            workflow_id=workflow_id,
            user_id=user.user_id,
            source=content.source,
            platforms=tuple(body.platforms),
            options=content.options,
            template=content.template,
            min_score=tools.settings.min_score if body.min_score is None else body.min_score,
            max_iterations=tools.settings.max_iterations if body.max_iterations is None else body.max_iterations,
            tone=body.tone,
            project_id=body.project_id,
            criteria_weights={} if body.criteria_weights is None else body.criteria_weights.model_dump(),
        )
        await idempotency.handle(command, actor=user.user_id)
    return await _workflow(request, user.user_id, workflow_id)


@router.get("/workflows", tags=["workflows"])
async def list_workflows(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[WorkflowStatus | None, Query()] = None,
    project_id: Annotated[UUID | None, Query(description="Only those of this project.")] = None,
) -> Page[Workflow]:
    """Your workflows, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.workflows(connection, user.user_id, page, status, project_id)
    return page.page(rows, lambda row: Workflow(**row))


@router.get("/workflows/{workflow_id}", tags=["workflows"])
async def read_workflow(workflow_id: UUID, request: Request, user: CurrentUser) -> WorkflowWithStates:
    """One workflow with the state of each platform."""
    return await _workflow(request, user.user_id, workflow_id)


@router.post("/workflows/{workflow_id}/archive", tags=["workflows"])
async def archive(workflow_id: UUID, request: Request, user: CurrentUser) -> WorkflowWithStates:
    """Put a workflow away: nothing is written, reviewed or published from it any more; it can still be read."""
    await kit_of(request).handle(ask.ArchiveWorkflow(workflow_id, user.user_id), actor=user.user_id)
    return await _workflow(request, user.user_id, workflow_id)


@router.post("/workflows/{workflow_id}/review", tags=["workflows"])
async def review(workflow_id: UUID, body: ReviewIn, request: Request, user: CurrentUser) -> WorkflowWithStates:
    """Accept, reject or edit drafts that await review. A decision on an old state gets 409 with the current one."""
    now = datetime.now(UTC)
    asked = {decision.platform: decision.publish for decision in body.decisions if decision.publish is not None}
    await _check_images(request, asked)
    command = ask.Review(workflow_id, user.user_id, tuple(decision_of(decision, now) for decision in body.decisions))
    await kit_of(request).handle(command, actor=user.user_id)
    return await _workflow(request, user.user_id, workflow_id)


@router.post("/workflows/{workflow_id}/publish", status_code=202, tags=["workflows"])
async def publish(
    workflow_id: UUID, body: PublishRequest, request: Request, user: CurrentUser, idempotency: Idempotency
) -> WorkflowWithStates:
    """Publish drafts that were accepted before, now or later."""
    now = datetime.now(UTC)
    if not idempotency.replayed:
        await _check_images(request, {each.platform: each for each in body.publications})
        publications = {
            each.platform: publication_of(each.platform, each, idempotency.id(each.platform), now)
            for each in body.publications
        }
        await idempotency.handle(ask.Publish(workflow_id, user.user_id, publications), actor=user.user_id)
    return await _workflow(request, user.user_id, workflow_id)


async def _check_images(request: Request, publications: Mapping[str, PublishIn]) -> None:
    if any(how.media for how in publications.values()):
        tools: Tools = kit_of(request).tools
        await check_images(tools.sources, publications, request.headers["authorization"])


async def _project(request: Request, user_id: UUID, project_id: UUID) -> Project:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.project(connection, project_id)
    if row is None:
        raise NotFound(_NO_PROJECT)
    return Project(**row)


async def _workflow(request: Request, user_id: UUID, workflow_id: UUID) -> WorkflowWithStates:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.workflow(connection, workflow_id)
    if row is None:
        raise NotFound(_NO_WORKFLOW)
    return WorkflowWithStates(**row)
