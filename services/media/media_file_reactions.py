"""What collected posts show: fetched when a post is collected, and gone with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from contracts.events.publishing import PostCollected, PostErased, PostRemoved
from services.media import queries
from services.media.domain.media_file import DropMediaFile, FailMediaFile, StoreMediaFile
from services.media.extraction.sniffing import IMAGES
from services.media.fetching import NO_IMAGE, fetched
from services.media.paths import media_file_path
from services.media.reactions import SWEEP_AFTER
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, Task, gave_up, on, twice, work

FETCH, DROP = "fetch_media_file", "drop_media_files"


@on(PostCollected)
def fetch_what_it_shows(event: PostCollected) -> list[Task]:
    return [
        Task(
            derive(FETCH, file.media_file_id),
            FETCH,
            {
                "media_file_id": file.media_file_id,
                "post_id": event.post_id,
                "user_id": event.user_id,
                "url": file.url,
            },
        )
        for file in event.media
    ]


@on(PostRemoved, PostErased)
def drop_what_it_showed(event: PostRemoved | PostErased) -> list[Task]:
    """Now, and once more when no fetch can still be under way."""
    return twice(event, DROP, {"post_id": event.post_id}, SWEEP_AFTER)


@work(FETCH, lease=90, attempts=4, concurrency=4)
async def fetch_media_file(task: LeasedTask, kit: Kit) -> Sequence[StoreMediaFile]:
    started, tools, payload = time.monotonic(), kit.tools, task.payload
    found = await fetched(payload["url"], tools.settings, task.attempts)
    if found.media_type not in IMAGES:
        raise GiveUp(NO_IMAGE)
    file_id, user_id = UUID(payload["media_file_id"]), UUID(payload["user_id"])
    path = media_file_path(user_id, file_id, IMAGES[found.media_type])
    await tools.storage.put(path, found.data, found.media_type)
    took = round((time.monotonic() - started) * 1000)
    size = len(found.data)
    return [
        StoreMediaFile(
            file_id, UUID(payload["post_id"]), user_id, payload["url"], found.media_type, size, path, found.sha256, took
        )
    ]


@gave_up(FETCH)
def say_why_not(task: LeasedTask, reason: str) -> Sequence[FailMediaFile]:
    file_id, post_id, user_id = (UUID(task.payload[name]) for name in ("media_file_id", "post_id", "user_id"))
    return [FailMediaFile(file_id, post_id, user_id, task.payload["url"], reason)]


@work(DROP, lease=60, attempts=20, concurrency=2)
async def drop_media_files(task: LeasedTask, kit: Kit) -> list[DropMediaFile]:
    """A post shows at most a handful."""
    async with kit.database.reading(None) as connection:
        found = await queries.files_of_post(connection, UUID(task.payload["post_id"]))
    return [DropMediaFile(file_id) for file_id in found]
