"""The images of a post, read from media before the platform hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from contracts.events.workflow import AttachedImage
from services.publishing.connectors import PublishError
from services.publishing.connectors.port import Image
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline, DeadlineExceeded

_SECONDS: Final = 20.0


async def load(client: ServiceClient, user_id: UUID, media: Sequence[AttachedImage]) -> tuple[Image, ...]:
    """The images in their order. Raises PublishError: nothing was sent to the platform."""
    return tuple([await _image(client, user_id, attached) for attached in media])


async def _image(client: ServiceClient, user_id: UUID, attached: AttachedImage) -> Image:
    try:
        answer = await client.request(
            "media",
            "GET",
            f"/internal/files/{attached.file_id}/content",
            params={"user_id": str(user_id)},
            deadline=Deadline.after(_SECONDS),
        )
    except (Upstream, DeadlineExceeded) as error:
        raise PublishError("transient", "The images of the post cannot be read now. Nothing was posted.") from error
    kind = answer.headers.get("Content-Type", "")
    match answer.status:
        case 200 if kind.startswith("image/"):
            name = f"{attached.file_id}.{kind.removeprefix('image/')}"
            return Image(answer.body, kind, attached.alt_text, name)
        case 200 | 404:
            raise PublishError("bad_content", "An image of the post is gone. Publish the draft again without it.")
        case status:
            raise PublishError("transient", f"The images of the post cannot be read: media answered {status}.")
