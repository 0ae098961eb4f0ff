"""Files coming in: sent as they are, or fetched from a URL."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field

from services.media import queries
from services.media.api.pages import fetch_page
from services.media.api.reading import storing
from services.media.api.views import FileView
from services.media.intake import Received, receive
from services.media.keeping import keep
from services.media.trials import stay_within_trial
from shared.decider import NotFound
from shared.http.client import Upstream
from shared.http.deadline import RequestDeadline
from shared.http.idempotency import Idempotency, IdempotentRequest
from shared.http.openapi import problem_answer
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of

router = APIRouter(prefix="/api/v1/files", tags=["files"])


class FromUrl(BaseModel):
    """A page or document on the web."""

    url: str = Field(max_length=2048, description="http or https, public.", examples=["https://example.org/article"])
    project_id: UUID | None = Field(None, description="The project it is to belong to.")


@router.post("", status_code=201, responses={415: problem_answer(415)})
async def upload(
    request: Request,
    response: Response,
    user: CurrentUser,
    deadline: RequestDeadline,
    idempotency: Idempotency,
    file: Annotated[
        UploadFile,
        File(
            description="md, txt, html, pdf, docx; mp3, wav, m4a, aac, mp4, mov, avi, mkv, whose text is what is said; "
            "or png, jpg, gif, webp to publish with a post. Its bytes decide."
        ),
    ],
    project_id: Annotated[UUID | None, Form(description="The project it is to belong to.")] = None,
) -> FileView:
    """Keep a file. Its text is read at once; `GET /api/v1/files/{id}?wait=20` tells when it is there."""
    kit = kit_of(request)
    limits = kit.tools.settings.limits
    if project_id is not None:
        await _require_project(request, project_id, deadline)
    received = await receive(await file.read(limits.most + 1), file.filename, file.content_type, limits=limits)
    if not idempotency.replayed:
        await stay_within_trial(kit, user, len(received.data))
    return await _keep(kit, response, idempotency, user.user_id, project_id, received)


@router.post("/from-url", status_code=201, responses={415: problem_answer(415)})
async def from_url(
    body: FromUrl,
    request: Request,
    response: Response,
    user: CurrentUser,
    deadline: RequestDeadline,
    idempotency: Idempotency,
) -> FileView:
    """Fetch a page or document and keep it as if it had been uploaded. Private networks are not reached."""
    kit = kit_of(request)
    if idempotency.replayed:
        # What the page says now may differ; the file is what was fetched the first time.
        return await _view(kit, response, user.user_id, idempotency.id("file"))
    if body.project_id is not None:
        await _require_project(request, body.project_id, deadline)
    received = await fetch_page(kit.tools.settings, body.url)
    await stay_within_trial(kit, user, len(received.data))
    return await _keep(kit, response, idempotency, user.user_id, body.project_id, received)


async def _keep(
    kit: Kit,
    response: Response,
    idempotency: IdempotentRequest,
    user_id: UUID,
    project_id: UUID | None,
    received: Received,
) -> FileView:
    async with storing():
        file_id = await keep(kit, idempotency, user_id, project_id, received)
    return await _view(kit, response, user_id, file_id)


async def _view(kit: Kit, response: Response, user_id: UUID, file_id: UUID) -> FileView:
    async with kit.database.reading(user_id) as connection:
        row: Any = await queries.file(connection, file_id)
    if row is None:
        raise NotFound("The file was deleted; upload it again under a new Idempotency-Key.")
    response.headers["Location"] = f"/api/v1/files/{file_id}"
    return FileView.of(row)


async def _require_project(request: Request, project_id: UUID, deadline: RequestDeadline) -> None:
    """Workflow owns projects, so it is asked whether the user has this one. Raises NotFound, Upstream."""
    answer = await request.app.state.client.request(
        "workflow",
        "GET",
        f"/api/v1/projects/{project_id}",
        headers={"Authorization": request.headers["authorization"]},
        deadline=deadline,
    )
    if answer.status == 404:
        raise NotFound("There is no such project; list your projects, or leave project_id out.")
    if answer.status != 200:
        raise Upstream("workflow")
