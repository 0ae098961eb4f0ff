"""What the API of imported posts takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.publishing.schemas import In, Username
from shared.http.moment import Moment

WebUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$"), Field(max_length=1000)]
PlatformId = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f]+$")]


class NewImage(In):
    """An image attached to the post."""

    url: WebUrl = Field(description="Where the image lies.", examples=["https://mastodon.example/media/7.png"])
    image_post_id: Annotated[PlatformId, Field(max_length=100)] | None = Field(
        None, description="The platform's id of the attachment; without it no caption can be put there."
    )
    media_type: Annotated[str, StringConstraints(pattern=r"^image/[\w.+-]+$"), Field(max_length=100)] | None = None
    original_caption: Annotated[str, Field(max_length=10_000)] | None = None
    created: Moment | None = Field(None, description="When the post was made.")


class NewPlatformPost(In):
    """A post that stands on a platform already."""

    connection_id: UUID = Field(description="Yours, of Mastodon or Pixelfed.")
    platform_post_id: Annotated[PlatformId, Field(max_length=500)] = Field(examples=["110224538612345678"])
    author: Username = Field(description="Who posted it, as the platform names them.", examples=["ada"])
    url: Annotated[WebUrl, Field(max_length=500)] = Field(examples=["https://mastodon.example/@ada/1102245"])
    content: str = Field("", max_length=50_000)
    images: tuple[NewImage, ...] = Field((), max_length=20)


class PlatformPost(BaseModel):
    """An imported post."""

    id: UUID
    connection_id: UUID
    platform: str
    instance_url: str
    platform_post_id: str
    author: str
    url: str
    content: str
    image_ids: list[UUID] = Field(description="In the order of the post; `GET /api/v1/images/{id}` shows each.")
    created_at: datetime
