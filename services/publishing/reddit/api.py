"""Collected posts over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.publishing.domain.post import NO_POST, CollectPost, RequestPublication, RequestTakedown
from services.publishing.reddit import queries
from services.publishing.reddit.schemas import NewPost, Post, ProcessingLog, Takedown, TakedownStatus
from shared.decider import Conflict, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of
from shared.roles import may
from shared.security.tokens import Claims

router = APIRouter(prefix="/api/v1/posts", tags=["posts"])


@router.post("", status_code=201)
async def collect_post(
    body: NewPost, request: Request, response: Response, user: CurrentUser, idempotency: Idempotency
) -> Post:
    """Take in a Reddit post, once. It is summarised, and the images it shows are fetched."""
    kit = kit_of(request)
    # Reddit names one post in two ways.
    reddit_post_id = body.reddit_post_id.removeprefix("t3_")
    command = CollectPost(user_id=user.user_id, **{**dict(body), "reddit_post_id": reddit_post_id})
    await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"{router.prefix}/{command.post_id}"
    return await _post(kit, user, command.post_id)


@router.get("")
async def list_posts(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    subreddit: Annotated[str | None, Query(max_length=21, description="Only posts of this subreddit.")] = None,
    takedown_status: Annotated[TakedownStatus | None, Query(description="Only posts in this state.")] = None,
) -> Page[Post]:
    """Your collected posts, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.posts(connection, user.user_id, page, subreddit, takedown_status)
    return page.page(rows, lambda row: Post(**row))


@router.get("/{post_id}")
async def read_post(post_id: UUID, request: Request, user: CurrentUser) -> Post:
    """One collected post; moderators read everybody's."""
    return await _post(kit_of(request), user, post_id)


@router.get("/{post_id}/logs")
async def list_logs(post_id: UUID, request: Request, user: CurrentUser, page: PageQuery) -> Page[ProcessingLog]:
    """What was done about the post, newest first; takedowns with every step."""
    kit = kit_of(request)
    await _post(kit, user, post_id)
    async with kit.database.reading(user.user_id, user.role) as connection:
        rows = await queries.logs(connection, post_id, page)
    return page.page(rows, lambda row: ProcessingLog(**row))


@router.post("/{post_id}/publish", status_code=202)
async def publish_post(post_id: UUID, request: Request, user: CurrentUser) -> Post:
    """Put an article about the post on Ghost, or bring the one that stands to what is known now."""
    kit = kit_of(request)
    if kit.tools.ghost is None:
        raise Conflict("Ghost is not set up here; ask the operator to set its address and admin key.")
    await kit.handle(RequestPublication(post_id, user.user_id), actor=user.user_id)
    return await _post(kit, user, post_id)


@router.post("/{post_id}/takedown", status_code=202)
async def take_down_post(post_id: UUID, body: Takedown, request: Request, user: CurrentUser) -> Post:
    """Hide the article now and remove it when the grace period is over. Moderators take down anybody's."""
    kit = kit_of(request)
    grace = timedelta(hours=kit.tools.settings.takedown_grace_hours)
    command = RequestTakedown(
        post_id, user.user_id, may(user.role, "moderator"), body.reason, datetime.now(UTC) + grace
    )
    await kit.handle(command, actor=user.user_id)
    return await _post(kit, user, post_id)


async def _post(kit: Kit, user: Claims, post_id: UUID) -> Post:
    async with kit.database.reading(user.user_id, user.role) as connection:
        row = await queries.post(connection, post_id)
    if row is None:
        raise NotFound(NO_POST)
    return Post(**row)
