"""Posts that stand somewhere already: collected ones and their takedown, imported ones and their images."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from contracts.envelope import Event
from contracts.events import media, publishing
from shared.ids import new_id

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


class Ground(Protocol):
    """Where it happens."""

    async def play(self, event: Event, *, key: UUID) -> None: ...


async def tell(on: Ground, user_id: UUID, chance: random.Random) -> None:
    """A user collects some posts and imports some others."""
    for _ in range(3):
        await _collect(on, user_id, chance)
        await _import(on, user_id, chance)


async def _collect(on: Ground, user_id: UUID, chance: random.Random) -> None:
    post: dict[str, Any] = {"post_id": new_id(), "user_id": user_id}
    key = post["post_id"]

    async def happens(kind: type[publishing.PostEvent], **fields: Any) -> None:
        await on.play(kind(**post, **fields), key=key)

    reddit = {"reddit_post_id": key.hex, "subreddit": "soil", "created_ts": AT, "url": "https://reddit.example"}
    await happens(publishing.PostCollected, title="Cold", score=3, **reddit)
    await _keep_files(on, user_id, key, chance)
    summary = {"tags": ("soil",), "pain_points": ({"description": "Kälte"},), "content_hash": key.hex}
    await happens(publishing.PostEnriched, summary_ko="차갑다", **summary)
    await happens(publishing.PostProcessed, service_name="media", status="completed", processing_time_ms=3)
    await happens(publishing.PostPublicationRequested, turn=1)
    if chance.random() < 0.3:
        await happens(publishing.PostPublicationFailed, turn=1, reason="Away.")
        return
    ghost = {"ghost_post_id": key.hex, "ghost_url": "https://ghost.example", "ghost_slug": "cold"}
    await happens(publishing.PostPublished, turn=1, published_at=AT, processing_time_ms=9, **ghost)
    if chance.random() < 0.5:
        await happens(publishing.TakedownRequested, reason="Asked.", requested_by=user_id, remove_after=AT)
        if chance.random() < 0.5:
            await happens(publishing.PostUnpublishFailed, reason="Away.")
        await happens(publishing.PostUnpublished, ghost_post_id=key.hex)
        if chance.random() < 0.5:
            await happens(publishing.PostRemoved, ghost_post_id=key.hex)
    if chance.random() < 0.2:
        await happens(publishing.PostErased)


async def _keep_files(on: Ground, user_id: UUID, post_id: UUID, chance: random.Random) -> None:
    for _ in range(2):
        file: dict[str, Any] = {"media_file_id": new_id(), "post_id": post_id, "user_id": user_id}
        key, url = file["media_file_id"], "https://i.example/a.png"
        if chance.random() < 0.2:
            await on.play(media.MediaFileFailed(**file, original_url=url, reason="404."), key=key)
            continue
        stored = {"file_type": "image/png", "file_size": 9, "path": f"files/{key}", "sha256": "0"}
        await on.play(media.MediaFileStored(**file, original_url=url, **stored), key=key)
        if chance.random() < 0.3:
            await on.play(media.MediaFileDeleted(**file, path=f"files/{key}"), key=key)


async def _import(on: Ground, user_id: UUID, chance: random.Random) -> None:
    place = {"connection_id": new_id(), "platform_type": "mastodon", "instance_url": "https://m.example"}
    post: dict[str, Any] = {"post_id": new_id(), "user_id": user_id}
    key = post["post_id"]
    says = {"platform_post_id": key.hex, "author": "ada", "url": "https://m.example/1", "content": "Grüße"}
    images = tuple(
        publishing.PlatformImage(image_id=new_id(), url="https://m.example/a.png", image_post_id=n, attachment_index=i)
        for i, n in enumerate(("7", "8"))
    )
    await on.play(publishing.PlatformPostImported(**post, **place, **says, images=images), key=key)
    await on.play(media.PlatformPostKept(**post, **place, **says), key=key)
    for image in images:
        await _see_to(on, user_id, key, image, place, chance)
    if chance.random() < 0.2:
        await on.play(publishing.PlatformPostRemoved(**post), key=key)
        await on.play(media.PlatformPostDropped(**post), key=key)


async def _see_to(
    on: Ground,
    user_id: UUID,
    post_id: UUID,
    image: publishing.PlatformImage,
    place: dict[str, Any],
    chance: random.Random,
) -> None:
    key = image.image_id

    async def happens(kind: type[media.ImageEvent], **fields: Any) -> None:
        await on.play(kind(image_id=key, user_id=user_id, post_id=post_id, **fields), key=key)

    kept = {"url": image.url, "path": f"images/{key}", "image_post_id": image.image_post_id}
    await happens(media.ImageImported, **place, **kept, attachment_index=image.attachment_index, original_caption=" ")
    if chance.random() < 0.2:
        await happens(media.ImageFailed, reason="No image.")
        return
    await happens(media.ImageStored, path=f"images/{key}", media_type="image/png", size_bytes=3, sha256="0")
    for _ in range(chance.randint(1, 2)):
        await happens(media.ImageCaptioned, caption="A door.", prompt_used="Say.", category="photo", engine="offline")
        await happens(media.ImageScored, score=chance.randint(0, 100), needs_special_review=chance.random() < 0.5)
    review = {"reviewer_id": user_id, "reviewed_at": AT}
    if chance.random() < 0.3:
        await happens(media.ImageReviewed, decision="reject", notes="No door.", **review)
        return
    await happens(media.ImageReviewed, decision="approve", caption=None, final_caption="A door.", **review)
    if chance.random() < 0.3:
        await happens(media.ImagePostFailed, reason="Away.")
    await happens(media.ImagePosted, posted_at=AT)
    if chance.random() < 0.2:
        await happens(media.ImageDeleted, path=f"images/{key}")
