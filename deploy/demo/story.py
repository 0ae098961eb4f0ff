"""The story itself: from sign-up to published posts, told by what the platform answers."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy.demo import show
from deploy.demo.client import Client, Refused

BAR = 85  # higher than the default of 70, so that the engine has to try again
ROUNDS = 3
PLATFORMS = ("linkedin", "x", "blog")
PATIENCE = 120.0  # seconds for any one wait

Provenance = Callable[[str, str], Sequence[tuple[str, str]]]


class Story:
    """One user, one workflow."""

    def __init__(self, client: Client, provenance: Provenance) -> None:
        self._client = client
        self._provenance = provenance
        self._workflow_id = ""
        self._source_text = ""
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    @property
    def workflow_id(self) -> str:
        return self._workflow_id

    async def tell(self, source: str) -> None:
        """The whole of it. Raises Refused or TimeoutError when the platform does not do its job."""
        show.step("Sign up, log in, connect the platforms")
        await self._sign_up()
        show.step(f"Start a workflow from {source}")
        await self._start(source)
        listener = asyncio.create_task(self._listen())
        try:
            await self._until(lambda: self._in_review() == set(PLATFORMS))
            show.step("The drafts, judged on five criteria")
            await self._show_drafts()
            again = sum(1 for event in self._of("DraftRequested") if event["data"]["iteration"] > 1)
            show.note(f"[bold]{again}[/] draft(s) were written again because their score was below {BAR}.")
            show.step("Review: accept the blog post, edit the LinkedIn post, reject the X post and ask for another")
            await self._review()
            await self._until(lambda: len(self._of("WorkflowCompleted")) > 0)
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener
        show.step("Published")
        await self._show_posts()

    async def show_history(self) -> None:
        events = await self._client.call("GET", f"/api/v1/workflows/{self._workflow_id}/history")
        found = events["items"] if isinstance(events, dict) else events
        show.history(found)

    async def _sign_up(self) -> None:
        name = f"reviewer_{secrets.token_hex(3)}"
        password = f"Demo-{secrets.token_urlsafe(12)}-7a"
        await self._client.sign_up(name, f"{name}@example.org", password)
        await self._client.log_in(f"{name}@example.org", password)
        for platform in ("x", "linkedin"):
            await self._client.call(
                "POST",
                "/api/v1/connections",
                {"platform": platform, "name": f"my {platform}", "access_token": f"sandbox-{secrets.token_hex(8)}"},
            )
        show.note(f"signed up and logged in as [bold]{name}[/]; X and LinkedIn are the sandbox, the blog is ours")

    async def _start(self, source: str) -> None:
        if source.startswith(("http://", "https://")):
            given: dict[str, Any] = {"url": source}
        else:
            given = {"file_id": await self._client.upload(Path(source))}
        started = await self._client.call(
            "POST",
            "/api/v1/workflows",
            {"source": given, "platforms": PLATFORMS, "mode": "manual", "min_score": BAR, "max_iterations": ROUNDS},
        )
        self._workflow_id = started["id"]
        content = started["source_content"]
        if content.get("text"):
            self._source_text = content["text"]
        else:
            text = await self._client.call("GET", f"/api/v1/files/{content['file_id']}/text")
            self._source_text = text["text"]
        show.note(f"[bold]{content['title']}[/] ({content['characters']} characters) → workflow {self._workflow_id}")

    async def _listen(self) -> None:
        async for event in self._client.events(self._workflow_id):
            self._events.append(event)
            show.happened(event)
            self._changed.set()

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self._events if event["type"] == kind]

    def _in_review(self) -> set[str]:
        """Platforms whose last word is that a person has to decide."""
        last = {event["data"]["platform"]: event["type"] for event in self._events if "platform" in event["data"]}
        if failed := [name for name, kind in last.items() if kind == "PlatformFailed"]:
            reasons = "; ".join(event["data"]["reason"] for event in self._of("PlatformFailed"))
            raise Refused(f"{', '.join(failed)} failed: {reasons}")
        return {name for name, kind in last.items() if kind == "PlatformReadyForReview"}

    async def _until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def _workflow(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._client.call("GET", f"/api/v1/workflows/{self._workflow_id}")
        return found

    async def _show_drafts(self, *platforms: str) -> dict[str, dict[str, Any]]:
        workflow = await self._workflow()
        active = {state["platform"]: state["active_draft_id"] for state in workflow["states"]}
        drafts = {draft["id"]: draft for draft in workflow["drafts"]}
        verdicts = {verdict["draft_id"]: verdict for verdict in workflow["evaluations"]}
        shown = {}
        for platform in platforms or PLATFORMS:
            draft = drafts[active[platform]]
            shown[platform] = draft
            show.draft(draft, verdicts.get(draft["id"]), self._where_from(draft["content"]))
        return shown

    def _where_from(self, content: str) -> str:
        """Every sentence of an offline draft stands in the source or in the template: said, and checked."""
        origins = [origin for _, origin in self._provenance(content, self._source_text)]
        if "missing" in origins:
            raise Refused("A sentence of a draft stands neither in the source nor in the template.")
        counts = {origin: origins.count(origin) for origin in dict.fromkeys(origins)}
        return "sentences: " + ", ".join(f"{count} from the {origin}" for origin, count in counts.items())

    async def _review(self) -> None:
        workflow = await self._workflow()
        active = {state["platform"]: state["active_draft_id"] for state in workflow["states"]}
        drafts = {draft["id"]: draft for draft in workflow["drafts"]}
        edited = drafts[active["linkedin"]]["content"] + "\n\n(Read by a person before it went out.)"
        rounds = len(self._of("PlatformReadyForReview"))
        await self._client.call(
            "POST",
            f"/api/v1/workflows/{self._workflow_id}/review",
            {
                "decisions": [
                    {"platform": "blog", "action": "accept", "draft_id": active["blog"], "publish": {}},
                    {"platform": "linkedin", "action": "edit_and_publish", "content": edited},
                    {
                        "platform": "x",
                        "action": "reject",
                        "regenerate": True,
                        "feedback": "Choose another opening; this one does not make me want to read on.",
                    },
                ]
            },
        )
        await self._until(lambda: len(self._of("PlatformReadyForReview")) > rounds and "x" in self._in_review())
        show.step("Another X draft: accepted")
        await self._show_drafts("x")
        await self._client.call(
            "POST",
            f"/api/v1/workflows/{self._workflow_id}/review",
            {"decisions": [{"platform": "x", "action": "accept", "publish": {}}]},
        )

    async def _show_posts(self) -> None:
        workflow = await self._workflow()
        rows = []
        for state in workflow["states"]:
            status = await self._client.status_of(state["url"]) if state["url"] else 0
            rows.append((state["platform"], state["url"] or state["reason"] or "", status))
        show.posts(rows)
        if any(status != 200 for *_, status in rows):
            raise Refused("A published post does not answer at its address.")
