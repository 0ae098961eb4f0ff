"""When a user's account is gone, what media keeps of theirs goes too, the bytes included."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.auth import UserErased
from services.media import queries
from services.media.domain.file import DiscardFile
from services.media.domain.image import DeleteImage
from services.media.domain.kept_post import DropPost
from services.media.domain.media_file import DropMediaFile
from services.media.domain.resource import DiscardResource
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, twice, work

ERASE = "erase_user"
# Longer than an access token lives: what a request of the user's still made after the account was gone goes then.
SWEEP_AFTER = timedelta(minutes=30)
_AT_ONCE = 100  # rows of each table that go in one transaction


@on(UserErased)
def erase_what_was_theirs(event: UserErased) -> list[Task]:
    return twice(event, ERASE, {"user_id": event.user_id}, SWEEP_AFTER)


@work(ERASE, lease=60, attempts=20, concurrency=2)
async def erase_user(task: LeasedTask, kit: Kit) -> list[Any]:
    """Some at a time; posts when their images are gone, whose bytes would not be found without them."""
    user_id = UUID(task.payload["user_id"])
    async with kit.database.reading(user_id) as connection:
        found = await queries.all_of(connection, user_id, _AT_ONCE)
    outcome: list[Any] = [DiscardFile(file_id) for file_id in found["files"]]
    outcome += [DiscardResource(resource_id) for resource_id in found["resources"]]
    outcome += [DeleteImage(image_id) for image_id in found["images"]]
    outcome += [DropPost(post_id) for post_id in found["posts"]]
    outcome += [DropMediaFile(file_id) for file_id in found["media_files"]]
    if found["images"] or any(len(ids) == _AT_ONCE for ids in found.values()):
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome
