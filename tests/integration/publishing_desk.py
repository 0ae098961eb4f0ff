"""The press: publishing beside the writing desk, with X and LinkedIn standing in on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.publishing.app import service as publishing
from services.publishing.domain.commands import ScheduleJob
from services.workflow.app import service as workflow
from shared.ids import new_id
from shared.kit import Kit, Service
from shared.projection import insert
from tests.integration.desk import Desk, Someone, desk, until
from tests.sandbox.client import SandboxClient
from tests.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from tests.sandbox.server import running

PATIENCE = 1.5  # seconds a job waits for its text
CALL = 3.0  # seconds a publication may take


@dataclass
class Author:
    """A user with posts to publish."""

    someone: Someone
    desk: Desk
    sandbox: SandboxClient

    @property
    def token(self) -> str:
        return f"sandbox-{self.someone.user_id.hex[-12:]}"

    @property
    def kit(self) -> Kit:
        """Publishing's own parts."""
        return self.desk.kits["publishing"]

    @property
    def account(self) -> str:
        """The name of the account that the token opens."""
        return self.someone.user_id.hex[-12:]

    async def get(self, path: str, **params: Any) -> Any:
        return await self.someone.get("publishing", path, **params)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.someone.post("publishing", path, body)

    async def connect(self, platform: str, **more: Any) -> dict[str, Any]:
        body = {"platform": platform, "name": f"My {platform}", "access_token": self.token} | more
        answer = await self.post("/api/v1/connections", body)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body
        return found

    async def log_in(self, platform: str, account: str, **body: Any) -> Any:
        """Connect an account by logging in there."""
        begun = await self.post("/api/v1/connections/authorize", {"platform": platform, **body})
        assert begun.status == 200, begun.body
        return await self.get("/api/v1/connections/callback", **await self.sandbox.agree(begun.body["url"], account))

    async def publish(self, *platforms: str, project_id: str | None = None, **how: Any) -> str:
        """A workflow whose drafts are accepted and to be published, and its id."""
        text = f"Bread rises overnight, says {self.account}, and {new_id()} loaves are eaten by noon."
        workflow_id = await self.someone.start(text, platforms=list(platforms), project_id=project_id)
        await self.someone.states(workflow_id, "awaiting_review")
        decisions = [{"platform": name, "action": "accept", "publish": how} for name in platforms]
        review = await self.someone.post(
            "workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": decisions}
        )
        assert review.status == 200, review.body
        return workflow_id

    async def jobs(self, workflow_id: str, *statuses: str) -> dict[str, dict[str, Any]]:
        """The workflow's jobs by platform, as soon as there are some and all have one of these statuses."""

        async def look() -> dict[str, dict[str, Any]] | None:
            rows = (await self.get("/api/v1/jobs", workflow_id=workflow_id)).body["items"]
            found = {row["platform"]: row for row in rows}
            return found if found and all(row["status"] in statuses for row in rows) else None

        return await until(look)

    async def job(self, workflow_id: str, *statuses: str) -> dict[str, Any]:
        (found,) = (await self.jobs(workflow_id, *statuses)).values()
        return found

    async def posted(self, platform: str) -> list[dict[str, Any]]:
        """What stands on the platform under this user's account."""
        return [post for post in await self.sandbox.accepted(platform) if post["username"] == self.account]

    async def remove(self, connection_id: str) -> int:
        """Take a connection away; the status of the answer."""
        headers = {"Authorization": f"Bearer {self.someone.token}"}
        url = f"{self.desk.urls['publishing']}/api/v1/connections/{connection_id}"
        async with self.desk.http.delete(url, headers=headers) as answer:
            return answer.status

    async def events(self, job_id: str) -> list[Event]:
        """What happened to a job."""
        return await self.kit.store.after(UUID(job_id), 0)

    async def tasks(self, job_id: str) -> int:
        """How often a job stands on the to-do list."""
        statement = "SELECT count(*) FROM tasks WHERE payload->>'job_id' = $1"
        return int(await self.kit.database.pool.fetchval(statement, job_id))


@dataclass
class Press:
    desk: Desk
    sandbox: SandboxClient
    folder: Path

    def author(self) -> Author:
        """A new user."""
        return Author(self.desk.someone(), self.desk, self.sandbox)


@asynccontextmanager
async def press(folder: Path, *more: Service) -> AsyncIterator[Press]:
    """Everything running, with texts and verdicts that come at once; the blog stands in `folder`. `more` services."""
    async with running() as url:
        options = {"engine": "instant", "judge": "instant", "x_url": url, "linkedin_url": url, "data_dir": folder}
        options |= {"x_authorize_url": f"{url}/i/oauth2/authorize", "linkedin_oauth_url": f"{url}/oauth/v2"}
        options |= {f"{name}_client_id": CLIENT_ID for name in ("x", "linkedin")}
        options |= {f"{name}_client_secret": CLIENT_SECRET for name in ("x", "linkedin")}
        haste = {"platform_timeout": 2.0, "publish_timeout": CALL, "publish_pause": 0.2, "draft_patience": PATIENCE}
        async with desk(workflow, generation, evaluation, publishing, *more, **options, **haste) as found:
            yield Press(found, SandboxClient(url), folder)


async def schedule_by_hand(kit: Kit, user_id: UUID, name: str, due_at: datetime) -> tuple[UUID, UUID]:
    """A job with its text, without a workflow: (workflow id, job id)."""
    workflow_id, job_id, draft_id = new_id(), new_id(), new_id()
    text = insert(
        "draft_texts",
        draft_id=draft_id,
        workflow_id=workflow_id,
        user_id=user_id,
        platform=name,
        title="",
        content=text_of(job_id),
        hashtags=[],
        created_at=datetime.now(UTC),
    )
    schedule = ScheduleJob(job_id, workflow_id, user_id, name, draft_id, due_at, "UTC")
    await kit.handle(schedule, actor=None, changes=[text])
    return workflow_id, job_id


def text_of(job_id: UUID) -> str:
    return f"Bread rises overnight: {job_id}."


async def post_by_hand(author: Author, name: str, job_id: UUID) -> None:
    """What the call did whose end nobody knows."""
    headers = {"Authorization": f"Bearer {author.token}"}
    path, body = "/2/tweets", {"text": text_of(job_id)}
    if name == "linkedin":
        async with author.desk.http.get(author.sandbox.base_url + "/v2/userinfo", headers=headers) as answer:
            author_urn = f"urn:li:person:{(await answer.json())['sub']}"
        headers |= {"LinkedIn-Version": "202610", "X-Restli-Protocol-Version": "2.0.0"}
        nowhere = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}
        path = "/rest/posts"
        body = {
            "author": author_urn,
            "commentary": text_of(job_id),
            "visibility": "PUBLIC",
            "distribution": nowhere,
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
    async with author.desk.http.post(author.sandbox.base_url + path, json=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
