"""One workflow as its reader wants it: the parts that several services keep, in one answer."""

from __future__ import annotations

import asyncio
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

router = APIRouter(tags=["workflows"])

# Part → the service that keeps it and where it lists it.
PARTS = {
    "drafts": ("generation", "/api/v1/drafts"),
    "evaluations": ("evaluation", "/api/v1/evaluations"),
    "jobs": ("publishing", "/api/v1/jobs"),
}
_PAGE = "100"
# Of the time that is left, the share a part may take before the answer goes out without it.
_PATIENCE = 0.8


def _client(request: Request) -> ServiceClient:
    client: ServiceClient = request.app.state.client
    return client


Services = Annotated[ServiceClient, Depends(_client)]


class WorkflowParts(BaseModel):
    """What other services keep of a workflow, beside the workflow's own members."""

    model_config = ConfigDict(extra="allow")

    drafts: list[dict[str, Any]] = Field(description="Every draft of the workflow, as `/api/v1/drafts` lists them.")
    evaluations: list[dict[str, Any]] = Field(description="Every evaluation, as `/api/v1/evaluations` lists them.")
    jobs: list[dict[str, Any]] = Field(description="Every publishing job, as `/api/v1/jobs` lists them.")
    unavailable: list[str] = Field(description="Parts that could not be read now, and are empty here for that reason.")


@router.get("/api/v1/workflows/{workflow_id}", response_model=WorkflowParts)
async def read_workflow(workflow_id: UUID, request: Request, services: Services, deadline: RequestDeadline) -> Response:
    """The workflow with its states, drafts, evaluations and jobs. A part that is down is named in `unavailable`."""
    headers = user_headers(request)
    # A part may not eat the time in which the whole must be answered.
    patience = Deadline.after(min(deadline.remaining() * _PATIENCE, 3600.0))
    reading = [
        asyncio.create_task(_part(services, service, path, workflow_id, headers, patience))
        for service, path in PARTS.values()
    ]
    try:
        whole = await services.request(
            "workflow", "GET", f"/api/v1/workflows/{workflow_id}", headers=headers, deadline=deadline
        )
        if whole.status != 200:
            return pass_back(whole)
        workflow: dict[str, Any] = whole.json()
        parts = dict(zip(PARTS, await asyncio.gather(*reading), strict=True))
    finally:
        for task in reading:
            task.cancel()
    for name, rows in parts.items():
        workflow[name] = rows or []
    workflow["unavailable"] = [name for name, rows in parts.items() if rows is None]
    return RowsResponse(workflow)


async def _part(
    services: ServiceClient, service: str, path: str, workflow_id: UUID, headers: dict[str, str], deadline: Deadline
) -> list[Any] | None:
    """All pages of a part, None when it cannot be read in time."""
    rows: list[Any] = []
    params = {"workflow_id": str(workflow_id), "limit": _PAGE}
    try:
        while True:
            answer = await services.request(service, "GET", path, params=params, headers=headers, deadline=deadline)
            if answer.status != 200:
                return None
            page = orjson.loads(answer.body)
            rows += page["items"]
            if not page.get("next_cursor"):
                return rows
            params["cursor"] = page["next_cursor"]
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
