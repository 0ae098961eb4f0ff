"""Style samples, references and image descriptions for the engines."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, field_validator, model_validator

from services.media import queries
from services.media.api.pages import fetch_page
from services.media.api.reading import MAX_WAIT, find, text_of
from services.media.api.views import ResourceView
from services.media.domain.resource import MAX_CONTENT_BYTES, AddResource, RemoveResource, ResourceType
from services.media.extraction import ExtractionError, extract_async
from shared.decider import NotFound
from shared.http.deadline import Deadline, RequestDeadline
from shared.http.idempotency import Idempotency
from shared.http.openapi import problem_answer
from shared.http.pagination import Page, PageQuery
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of

router = APIRouter(prefix="/api/v1/resources", tags=["resources"])

_MAX_METADATA_BYTES = 8_192
# Of a file or page. An event holds 256 KB, and JSON may double what it writes.
_TAKEN_BYTES = 100_000
_TITLE = 200


class NewResource(BaseModel):
    """Something for the engines to go by: a text, or what a file or a page on the web says."""

    type: ResourceType = Field(
        description="`style_sample`: how you write; `reference`: facts; `image`: what one shows."
    )
    content: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CONTENT_BYTES,
        description="At most 200,000 bytes of UTF-8.",
        examples=["We ship."],
    )
    file_id: UUID | None = Field(
        None, description="Instead: a file of yours, whose first 100,000 bytes of text are taken."
    )
    url: str | None = Field(None, max_length=2048, description="Instead: a public page; the same of its text.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="At most 8 KB of JSON.", examples=[{"platform": "linkedin"}]
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.content, self.file_id, self.url)) != 1:
            raise ValueError("Send exactly one of `content`, `file_id` and `url`.")
        return self

    @field_validator("metadata")
    @classmethod
    def _is_small(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            size = len(orjson.dumps(value))
        except orjson.JSONEncodeError as error:
            raise ValueError("use numbers of at most 64 bits and nest less deeply") from error
        if size > _MAX_METADATA_BYTES:
            raise ValueError(f"use at most {_MAX_METADATA_BYTES} bytes of JSON")
        return value


@router.post("", status_code=201, responses={415: problem_answer(415)})
async def add_resource(
    body: NewResource,
    request: Request,
    response: Response,
    user: CurrentUser,
    deadline: RequestDeadline,
    idempotency: Idempotency,
) -> ResourceView:
    """Keep a resource. A file or page is read now; what becomes of it later changes nothing."""
    resource_id = idempotency.id("resource")
    if body.content is not None or not idempotency.replayed:
        content, metadata = await _said(kit_of(request), user.user_id, body, deadline)
        command = AddResource(resource_id, user.user_id, body.type, content, metadata)
        await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"/api/v1/resources/{resource_id}"
    return await _view(kit_of(request), user.user_id, resource_id)


@router.get("")
async def list_resources(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    type: Annotated[ResourceType | None, Query(description="Only resources of this type.")] = None,
) -> Page[ResourceView]:
    """Your resources, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.resources(connection, user.user_id, page, type)
    return page.page(rows, ResourceView.of)


@router.get("/{resource_id}")
async def get_resource(resource_id: UUID, request: Request, user: CurrentUser) -> ResourceView:
    """One resource."""
    return await _view(kit_of(request), user.user_id, resource_id)


@router.delete("/{resource_id}", status_code=204)
async def remove_resource(resource_id: UUID, request: Request, user: CurrentUser) -> None:
    """Take a resource away; the engines go by it no longer."""
    await kit_of(request).handle(RemoveResource(resource_id, user.user_id), actor=user.user_id)


async def _said(kit: Kit, user_id: UUID, body: NewResource, deadline: Deadline) -> tuple[str, dict[str, Any]]:
    """The text of a resource, and its metadata with where the text is from. Raises NotFound, Conflict, Problem."""
    if body.file_id is not None:
        text = await text_of(kit, await find(kit, user_id, body.file_id, MAX_WAIT, deadline))
        return _beginning(text.text), {"title": text.title[:_TITLE], "file_id": str(body.file_id)} | body.metadata
    if body.url is not None:
        page = await fetch_page(kit.tools.settings, body.url)
        try:
            found = await extract_async(
                page.data, page.mime_type, page.name, timeout=kit.tools.settings.extract_seconds
            )
        except ExtractionError as error:
            raise Problem(422, "url-not-readable", "URL cannot be read", str(error)) from error
        return _beginning(found.text), {"title": found.title[:_TITLE], "url": body.url} | body.metadata
    assert body.content is not None
    return body.content, body.metadata


def _beginning(text: str) -> str:
    """As much as a resource takes; neither events nor rows can hold U+0000."""
    return text.encode()[:_TAKEN_BYTES].decode(errors="ignore").replace("\x00", "")


async def _view(kit: Kit, user_id: UUID, resource_id: UUID) -> ResourceView:
    async with kit.database.reading(user_id) as connection:
        row = await queries.resource(connection, resource_id)
    if row is None:
        raise NotFound("There is no such resource; list your resources to see which there are.")
    return ResourceView.of(row)
