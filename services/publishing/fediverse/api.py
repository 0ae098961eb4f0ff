"""Imported posts over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from services.publishing import queries as connections
from services.publishing.domain.imported_post import ImportPost, NewImage, RemoveImport
from services.publishing.fediverse import queries
from services.publishing.fediverse.client import PLATFORMS
from services.publishing.fediverse.schemas import NewPlatformPost, PlatformPost
from shared.decider import Conflict, Invalid, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of

router = APIRouter(prefix="/api/v1/platform-posts", tags=["platform posts"])

_UNIQUE_IMAGE = "uq_imported_image"


@router.post("", status_code=201)
async def import_post(
    body: NewPlatformPost, request: Request, response: Response, user: CurrentUser, idempotency: Idempotency
) -> PlatformPost:
    """Look after a post on Mastodon or Pixelfed: its images get captions. Each post is imported once."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        account = await connections.connection(connection, body.connection_id)
    if account is None:
        raise NotFound("There is no such connection; list your connections to see which there are.")
    if account["platform"] not in PLATFORMS:
        raise Invalid(f"This connection is for {account['platform']}; name one of {' or '.join(PLATFORMS)}.")
    command = ImportPost(
        user_id=user.user_id,
        connection_id=body.connection_id,
        platform_type=account["platform"],
        instance_url=account["instance_url"],
        platform_post_id=body.platform_post_id,
        author=body.author,
        url=body.url,
        content=body.content,
        images=tuple(NewImage(**dict(image)) for image in body.images),
    )
    try:
        await idempotency.handle(command, actor=user.user_id)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _UNIQUE_IMAGE:
            raise
        raise Conflict("An image of this post belongs to another imported post; remove that one first.") from error
    response.headers["Location"] = f"{router.prefix}/{command.post_id}"
    return await _post(kit, user.user_id, command.post_id)


@router.get("")
async def list_posts(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    connection_id: Annotated[UUID | None, Query(description="Only posts of this connection.")] = None,
) -> Page[PlatformPost]:
    """Your imported posts, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.posts(connection, user.user_id, page, connection_id)
    return page.page(rows, lambda row: PlatformPost(**row))


@router.get("/{post_id}")
async def read_post(post_id: UUID, request: Request, user: CurrentUser) -> PlatformPost:
    """One imported post."""
    return await _post(kit_of(request), user.user_id, post_id)


@router.delete("/{post_id}", status_code=204)
async def remove_post(post_id: UUID, request: Request, user: CurrentUser) -> None:
    """Look after the post no longer. It stays on the platform; its images leave the storage here."""
    await kit_of(request).handle(RemoveImport(post_id, user.user_id), actor=user.user_id)


async def _post(kit: Kit, user_id: UUID, post_id: UUID) -> PlatformPost:
    async with kit.database.reading(user_id) as connection:
        row = await queries.post(connection, post_id)
    if row is None:
        raise NotFound("There is no such post; list your posts to see which there are.")
    return PlatformPost(**row)
