"""Publishing and media at work together, with Mastodon and Ghost standing in on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.envelope import Event, Meta
from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.media.app import service as media
from services.publishing.app import service as publishing
from services.workflow.app import service as workflow
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.desk import Desk, Someone, desk, until
from tests.sandbox.elsewhere import GHOST_KEY, TOKEN, Elsewhere, create_app
from tests.unit.serving import serve


@dataclass
class House:
    """Five services, and what stands elsewhere at `url`."""

    desk: Desk
    elsewhere: Elsewhere
    url: str
    storage: Path

    @property
    def publishing(self) -> Kit:
        return self.desk.kits["publishing"]

    @property
    def media(self) -> Kit:
        return self.desk.kits["media"]

    async def happens(self, event: Event, *, key: UUID) -> None:
        """The event is stored by the service that owns it, and travels as every other."""
        kit = self.desk.kits[event.owner]
        past = await kit.store.after(key, 0)
        event.at(Meta(new_id(), event.stream, key, len(past) + 1, datetime.now(UTC), key))
        unit = kit.unit()
        unit.events.append(event)
        unit.changes.extend(kit.projections.changes(event))
        await unit.commit()
        kit.made(unit)

    async def hears(self, kit: Kit, event: Event, *, key: UUID) -> None:
        """The service reacts to an event of one that does not run here."""
        event.at(Meta(new_id(), event.stream, key, 1, datetime.now(UTC), key))
        unit = kit.unit()
        await unit.follow(kit.reactions.outcomes(event), Cause(key, event.meta.event_id, None, None))
        await unit.commit()
        kit.made(unit)

    async def connect(self, user: Someone, **more: Any) -> dict[str, Any]:
        """An account on the Mastodon that stands in."""
        body = {"platform": "mastodon", "name": "Ada's", "access_token": TOKEN, "instance_url": self.url} | more
        answer = await user.post("publishing", "/api/v1/connections", body)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body
        return found

    async def imported(self, user: Someone, connection_id: str, post_id: str, *images: str) -> dict[str, Any]:
        """A post with images of these names, imported."""
        self.elsewhere.toot(post_id, "Look at this door", *(f"{post_id}-{name}" for name in images))
        body = {
            "connection_id": connection_id,
            "platform_post_id": post_id,
            "author": "ada",
            "url": f"{self.url}/@ada/{post_id}",
            "content": "Look at this door",
            "images": [{"url": f"{self.url}/images/{name}", "image_post_id": f"{post_id}-{name}"} for name in images],
        }
        answer = await user.post("publishing", "/api/v1/platform-posts", body)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body
        return found

    async def image(self, user: Someone, image_id: str, **expected: Any) -> dict[str, Any]:
        """The image as soon as it looks like this."""

        async def look() -> dict[str, Any] | None:
            row = (await user.get("media", f"/api/v1/images/{image_id}")).body
            return row if all(row.get(name) == value for name, value in expected.items()) else None

        return await until(look)

    async def collected(self, user: Someone, reddit_id: str, *images: str) -> dict[str, Any]:
        """A post of Reddit, taken in."""
        body = {
            "reddit_post_id": reddit_id,
            "title": "My compost heap stays <cold>",
            "subreddit": "composting",
            "created_ts": "2026-03-01T08:00:00Z",
            "url": "https://www.reddit.com/r/composting/comments/1/",
            "text": "What do I do wrong?",
            "media": [f"{self.url}/images/{name}" for name in images],
        }
        answer = await user.post("publishing", "/api/v1/posts", body)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body
        return found

    async def post(self, user: Someone, post_id: str, **expected: Any) -> dict[str, Any]:
        """The collected post as soon as it looks like this."""

        async def look() -> dict[str, Any] | None:
            row = (await user.get("publishing", f"/api/v1/posts/{post_id}")).body
            return row if all(row.get(name) == value for name, value in expected.items()) else None

        return await until(look)

    async def due(self, kit: Kit, kind: str) -> None:
        """What waits for its time is due now."""
        await kit.database.pool.execute("UPDATE tasks SET due_at = now() WHERE kind = $1", kind)
        kit.workers.wake()

    async def quiet(self, kit: Kit) -> None:
        """Nothing is to be done in the next minute."""

        async def look() -> bool | None:
            soon = "SELECT count(*) FROM tasks WHERE kind <> 'sweep_jobs' AND due_at < now() + interval '1 minute'"
            return not await kit.database.pool.fetchval(soon) or None

        await until(look)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Everything running; bytes lie in `folder`."""
    elsewhere = Elsewhere()
    async with serve(create_app(elsewhere)) as url:
        options: dict[str, Any] = {"engine": "instant", "judge": "instant", "connector": "instant"}
        options |= {"fediverse_allow_private": True, "fetch_allow_private": True, "storage_url": folder.as_uri()}
        options |= {
            "ghost_url": url,
            "ghost_admin_key": GHOST_KEY,
            "platform_timeout": 5.0,
            "webhook_allow_private": True,
        }
        async with desk(workflow, generation, evaluation, publishing, media, **options) as running:
            yield House(running, elsewhere, url, folder)
