"""Images of imported posts: looking at them, sending their bytes, and the captions that await a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from contracts.events.media import ImageStatus
from services.media import queries
from services.media.api.reading import storing
from services.media.domain.image import StoreImage
from services.media.extraction.sniffing import IMAGES
from services.media.fetching import NO_IMAGE, examined
from services.media.queries import ImageFilter
from shared.decider import NotFound
from shared.http.moment import Moment
from shared.http.openapi import problem_answer
from shared.http.pagination import Page, PageQuery
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of
from shared.security.tokens import Claims

router = APIRouter(prefix="/api/v1/images", tags=["images"])

_NONE = "There is no such image; list your images to see which there are."
_BYTES: dict[str, Any] = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in IMAGES},
}
Score = Annotated[int | None, Query(ge=0, le=100)]


class ImageView(BaseModel):
    """An image of a post and its caption."""

    id: UUID
    user_id: UUID = Field(description="Whose it is.")
    post_id: UUID
    post_url: str | None = Field(description="The post; null when you may see only the image.")
    post_content: str | None
    image_url: str = Field(description="Where the platform shows it.")
    original_filename: str | None
    media_type: str | None
    image_post_id: str | None
    attachment_index: int
    connection_id: UUID | None
    platform: str | None
    instance_url: str | None
    original_caption: str | None
    generated_caption: str | None
    reviewed_caption: str | None = Field(description="The reviewer's own wording.")
    final_caption: str | None = Field(description="What was approved.")
    image_category: str | None
    status: ImageStatus
    caption_quality_score: int | None
    needs_special_review: bool
    reviewer_notes: str | None
    reviewed_at: datetime | None
    posted_at: datetime | None
    original_post_date: datetime | None
    processing_error: str | None = Field(description="What went wrong last, and what to do.")
    size_bytes: int | None = Field(description="Of the bytes; null until they are here.")
    sha256: str | None
    created_at: datetime
    updated_at: datetime


@router.get("")
async def list_images(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[ImageStatus | None, Query(description="Only images in this state.")] = None,
    min_score: Score = None,
    max_score: Score = None,
    needs_special_review: Annotated[bool | None, Query(description="Only captions that do, or do not.")] = None,
    since: Annotated[Moment | None, Query(description="Only images that came then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Only images that came before.")] = None,
    platform: Annotated[Literal["mastodon", "pixelfed"] | None, Query()] = None,
    connection_id: UUID | None = None,
    post_id: UUID | None = None,
) -> Page[ImageView]:
    """Your images, newest first."""
    wanted = ImageFilter(
        status, min_score, max_score, needs_special_review, since, until, platform, connection_id, post_id
    )
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.images(connection, user.user_id, page, wanted)
    return page.page(rows, _view)


@router.get("/review")
async def list_captions_to_review(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    needs_special_review: Annotated[bool | None, Query(description="Only captions that do, or do not.")] = None,
) -> Page[ImageView]:
    """Images whose captions await a person, newest first: yours, and everybody's for reviewers and above."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        rows = await queries.to_review(connection, page, needs_special_review)
    return page.page(rows, _view)


@router.get("/{image_id}")
async def read_image(image_id: UUID, request: Request, user: CurrentUser) -> ImageView:
    """One image; reviewers read those that await a decision, moderators all."""
    return _view(await _find(kit_of(request), user, image_id))


@router.get(
    "/{image_id}/bytes",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in IMAGES}, "description": "The image."}},
)
async def read_bytes(image_id: UUID, request: Request, user: CurrentUser) -> Response:
    """The image itself."""
    kit = kit_of(request)
    row = await _find(kit, user, image_id)
    if row["sha256"] is None:
        raise NotFound("The bytes of the image are not here; fetch it from `image_url`, or send them with PUT.")
    async with storing():
        data = await kit.tools.storage.get(row["local_path"])
    headers = {"ETag": f'"{row["sha256"]}"', "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=row["media_type"], headers=headers)


@router.put(
    "/{image_id}/bytes",
    responses={413: problem_answer(413), 415: problem_answer(415)},
    openapi_extra={"requestBody": _BYTES},
)
async def send_bytes(image_id: UUID, request: Request, user: CurrentUser) -> ImageView:
    """Send the image, where it could not be fetched: PNG, JPEG, GIF or WebP; what it is, its bytes decide."""
    kit = kit_of(request)
    row = await _find(kit, user, image_id)
    if row["user_id"] != user.user_id:
        raise NotFound(_NONE)
    limit = kit.tools.settings.max_file_bytes
    data = await request.body()
    if len(data) > limit:
        detail = f"Send an image of at most {limit:,} bytes; make it smaller."
        raise Problem(413, "body-too-large", "Image too large", detail, max_bytes=limit)
    found = await examined(data)
    if found.media_type not in IMAGES:
        raise Problem(415, "unsupported-media-type", "Unsupported media type", NO_IMAGE, found=found.media_type)
    async with storing():
        await kit.tools.storage.put(row["local_path"], found.data, found.media_type)
    command = StoreImage(image_id, user.user_id, found.media_type, len(found.data), found.sha256)
    await kit.handle(command, actor=user.user_id)
    return _view(await _find(kit, user, image_id))


def _view(row: Any) -> ImageView:
    return ImageView.model_validate(dict(row))


async def _find(kit: Kit, user: Claims, image_id: UUID) -> Any:
    async with kit.database.reading(user.user_id, user.role) as connection:
        row = await queries.image(connection, image_id)
    if row is None:
        raise NotFound(_NONE)
    return row
