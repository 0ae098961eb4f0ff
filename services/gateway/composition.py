"""One workflow, or one project, as its reader wants it: the parts that several services keep, in one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from shared.http.client import Response as Answer
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline, RequestDeadline
from shared.http.problem import MEDIA_TYPE, Problem
from shared.http.responses import RowsResponse

router = APIRouter()

_PAGE = "100"
# Of the time that is left, the share a part may take before the answer goes out without it.
_PATIENCE = 0.8


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that a service lists at `path`: all pages of them, or the newest one."""

    service: str
    path: str
    whole: bool


WORKFLOW = {
    "drafts": Part("generation", "/api/v1/drafts", whole=True),
    "evaluations": Part("evaluation", "/api/v1/evaluations", whole=True),
    "jobs": Part("publishing", "/api/v1/jobs", whole=True),
}
# A project may hold any number of either, and outputs are long.
PROJECT = {
    "files": Part("media", "/api/v1/files", whole=False),
    "outputs": Part("generation", "/api/v1/outputs", whole=False),
}


def _client(request: Request) -> ServiceClient:
    client: ServiceClient = request.app.state.client
    return client


Services = Annotated[ServiceClient, Depends(_client)]
_UNAVAILABLE = "Parts that could not be read now, and are empty here for that reason."


class WorkflowParts(BaseModel):
    """What other services keep of a workflow, beside the workflow's own members."""

    model_config = ConfigDict(extra="allow")

    drafts: list[dict[str, Any]] = Field(description="Every draft of the workflow, as `/api/v1/drafts` lists them.")
    evaluations: list[dict[str, Any]] = Field(description="Every evaluation, as `/api/v1/evaluations` lists them.")
    jobs: list[dict[str, Any]] = Field(description="Every publishing job, as `/api/v1/jobs` lists them.")
    unavailable: list[str] = Field(description=_UNAVAILABLE)


class ProjectParts(BaseModel):
    """What other services keep of a project, beside the project's own members."""

    model_config = ConfigDict(extra="allow")

    files: list[dict[str, Any]] = Field(description="The newest hundred files, as `/api/v1/files` lists them.")
    outputs: list[dict[str, Any]] = Field(description="The newest hundred outputs, as `/api/v1/outputs` lists them.")
    more: list[str] = Field(description="Parts of which there is more than stands here: their lists page through all.")
    unavailable: list[str] = Field(description=_UNAVAILABLE)


@router.get("/api/v1/workflows/{workflow_id}", response_model=WorkflowParts, tags=["workflows"])
async def read_workflow(workflow_id: UUID, request: Request, services: Services, deadline: RequestDeadline) -> Response:
    """The workflow with its states, drafts, evaluations and jobs. A part that is down is named in `unavailable`."""
    found = await _composed(services, request, deadline, "workflow_id", workflow_id, WORKFLOW)
    if isinstance(found, Response):
        return found
    workflow, _ = found
    return RowsResponse(workflow)


@router.get("/api/v1/projects/{project_id}", response_model=ProjectParts, tags=["projects"])
async def read_project(project_id: UUID, request: Request, services: Services, deadline: RequestDeadline) -> Response:
    """The project with its files and outputs. A part that is down is named in `unavailable`."""
    found = await _composed(services, request, deadline, "project_id", project_id, PROJECT)
    if isinstance(found, Response):
        return found
    project, more = found
    project["more"] = more
    return RowsResponse(project)


async def _composed(
    services: ServiceClient,
    request: Request,
    deadline: Deadline,
    by: str,
    which: UUID,
    parts: Mapping[str, Part],
) -> tuple[dict[str, Any], list[str]] | Response:
    """The workflow service's thing with its parts and the names of those that go on, or the service's refusal."""
    headers = user_headers(request)
    # A part may not eat the time in which the whole must be answered.
    patience = Deadline.after(min(deadline.remaining() * _PATIENCE, 3600.0))
    reading = [
        asyncio.create_task(_rows(services, part, {by: str(which), "limit": _PAGE}, headers, patience))
        for part in parts.values()
    ]
    try:
        whole = await services.request("workflow", "GET", request.url.path, headers=headers, deadline=deadline)
        if whole.status != 200:
            return pass_back(whole)
        thing: dict[str, Any] = whole.json()
        read = dict(zip(parts, await asyncio.gather(*reading), strict=True))
    finally:
        for task in reading:
            task.cancel()
    for name, found in read.items():
        thing[name] = found[0] if found else []
    thing["unavailable"] = [name for name, found in read.items() if found is None]
    return thing, [name for name, found in read.items() if found and found[1]]


async def _rows(
    services: ServiceClient, part: Part, params: dict[str, str], headers: dict[str, str], deadline: Deadline
) -> tuple[list[Any], bool] | None:
    """A part's rows and whether there are more, None when it cannot be read in time."""
    rows: list[Any] = []
    try:
        while True:
            answer = await services.request(
                part.service, "GET", part.path, params=params, headers=headers, deadline=deadline
            )
            if answer.status != 200:
                return None
            page = orjson.loads(answer.body)
            rows += page["items"]
            following = page.get("next_cursor")
            if not following or not part.whole:
                return rows, bool(following)
            params["cursor"] = following
    except (Problem, ValueError, KeyError, TypeError):
        return None


def user_headers(request: Request) -> dict[str, str]:
    """What a service needs in order to know who asks."""
    return {"Authorization": request.headers.get("authorization", "")}


def pass_back(answer: Answer) -> Response:
    """A service's refusal as it is."""
    media_type = answer.headers.get("Content-Type", MEDIA_TYPE)
    passed = {name: answer.headers[name] for name in ("Retry-After", "WWW-Authenticate") if name in answer.headers}
    return Response(answer.body, answer.status, headers=passed, media_type=media_type)
