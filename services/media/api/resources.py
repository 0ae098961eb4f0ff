"""Style samples, references and image descriptions for the engines."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, field_validator

from services.media import queries
from services.media.api.views import ResourceView
from services.media.domain.resource import MAX_CONTENT_BYTES, AddResource, RemoveResource, ResourceType
from shared.decider import NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import Kit

router = APIRouter(prefix="/api/v1/resources", tags=["resources"])

_MAX_METADATA_BYTES = 8_192


class NewResource(BaseModel):
    """Something for the engines to go by."""

    type: ResourceType = Field(
        description="`style_sample`: how you write; `reference`: facts; `image`: what one shows."
    )
    content: str = Field(
        min_length=1, max_length=MAX_CONTENT_BYTES, description="At most 200,000 bytes of UTF-8.", examples=["We ship."]
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="At most 8 KB of JSON.", examples=[{"platform": "linkedin"}]
    )

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


@router.post("", status_code=201)
async def add_resource(
    body: NewResource, request: Request, response: Response, user: CurrentUser, idempotency: Idempotency
) -> ResourceView:
    """Keep a resource."""
    resource_id = idempotency.id("resource")
    command = AddResource(resource_id, user.user_id, body.type, body.content, body.metadata)
    await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"/api/v1/resources/{resource_id}"
    return await _view(request.app.state.kit, user.user_id, resource_id)


@router.get("")
async def list_resources(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    type: Annotated[ResourceType | None, Query(description="Only resources of this type.")] = None,
) -> Page[ResourceView]:
    """Your resources, newest first."""
    async with request.app.state.kit.database.reading(user.user_id) as connection:
        rows = await queries.resources(connection, user.user_id, page, type)
    return page.page(rows, ResourceView.of)


@router.get("/{resource_id}")
async def get_resource(resource_id: UUID, request: Request, user: CurrentUser) -> ResourceView:
    """One resource."""
    return await _view(request.app.state.kit, user.user_id, resource_id)


@router.delete("/{resource_id}", status_code=204)
async def remove_resource(resource_id: UUID, request: Request, user: CurrentUser) -> None:
    """Take a resource away; the engines go by it no longer."""
    await request.app.state.kit.handle(RemoveResource(resource_id, user.user_id), actor=user.user_id)


async def _view(kit: Kit, user_id: UUID, resource_id: UUID) -> ResourceView:
    async with kit.database.reading(user_id) as connection:
        row = await queries.resource(connection, resource_id)
    if row is None:
        raise NotFound("There is no such resource; list your resources to see which there are.")
    return ResourceView.of(row)
