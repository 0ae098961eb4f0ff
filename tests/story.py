"""A ground on which services stand with a real database and feeds but without a broker, and a story told on it.

The workflow service decides for itself, through its kit; the others' events are played, and every service hears the
rest of them in an order of its own, each source in its source's order.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from cryptography.fernet import Fernet
from fastapi import FastAPI

from contracts.envelope import START, Event, Mark, Meta, Wire
from contracts.events import evaluation, generation, media, publishing
from contracts.events.workflow import DraftRequested, PlatformReadyForReview, PublicationRequested, Source, TemplateUse
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import SERVICES
from services.workflow.domain import project
from services.workflow.domain.commands import Decision, Publication, Review, StartWorkflow
from shared import internal_api
from shared.bus.inbox import Heard
from shared.eventstore import statements
from shared.http.app import create_app
from shared.ids import derive, new_id
from shared.kit import Kit
from tests.databases import migrated
from tests.rebuilding import projecting
from tests.stories import accounts, posts, writing
from tests.stories.executions import execute, review_a_caption, run_a_batch
from tests.stories.imports import import_a_file
from tests.stories.reviews import talk
from tests.stories.webhooks import listen_in

PLATFORMS = ("linkedin", "x", "blog")
_FROM_THE_BEGINNING = "INSERT INTO heard (source, partitions, partition) VALUES ($1, 1, 0)"
AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


@dataclass
class Ground:
    """Kits by service. Only workflow reacts; `answered` are its events that the players have reacted to."""

    postgres: EmbeddedPostgres
    dsns: dict[str, str]
    kits: dict[str, Kit]
    versions: dict[tuple[str, UUID], int] = field(default_factory=lambda: defaultdict(int))
    heard: dict[tuple[str, str], Mark] = field(default_factory=dict)
    answered: set[UUID] = field(default_factory=set)

    @property
    def admin_dsn(self) -> str:
        return self.postgres.admin_dsn

    async def play(self, event: Event, *, key: UUID) -> None:
        """The event happens in its owner's service: stored, and its rows written."""
        kit = self.kits[event.owner]
        self.versions[event.owner, key] += 1
        now = datetime.now(UTC)
        event.at(
            Meta(new_id(), event.stream, key, self.versions[event.owner, key], now, getattr(event, "workflow_id", key))
        )
        unit = kit.unit()
        unit.events.append(event)
        unit.changes.extend(kit.projections.changes(event))
        await unit.commit()

    async def hear(self, listener: str, chance: random.Random) -> None:
        """The service hears what is new, batch by batch, from its sources in turns of chance."""
        kit = self.kits[listener]
        waiting = {source: await self.unheard(listener, source) for source in kit.sources}
        while sources := [source for source, wires in waiting.items() if wires]:
            source = chance.choice(sources)
            batch = waiting[source][: chance.randint(1, 40)]
            del waiting[source][: len(batch)]
            await self.take(listener, batch)

    async def unheard(self, listener: str, source: str) -> list[Wire]:
        """The source's events that the service has not heard yet, all that are committed."""
        store = self.kits[source].store
        mark = self.heard.get((listener, source), START)
        last = await store.database.pool.fetchval("SELECT coalesce(max(position), 0) FROM events")
        wires: list[Wire] = []
        async with asyncio.timeout(60):
            while True:  # until no other transaction hides the last of them
                rows = await store.in_commit_order(mark, 1000)
                wires += [store.wire(row, 0) for row in rows]
                mark = wires[-1].mark if wires else mark
                if not last or mark.position >= last or any(wire.mark.position == last for wire in wires):
                    return wires
                await asyncio.sleep(0.001)

    async def take(self, listener: str, wires: Sequence[Wire]) -> None:
        """These events of one source reach the service's inbox together."""
        inbox = self.kits[listener].inbox
        place = (wires[0].source, 1, 0)
        of_interest = [Heard(wire, place, -1) for wire in wires if inbox.hears(wire.type)]
        await inbox.take(of_interest, {place: (wires[-1].mark, 0)})
        await inbox.marks.flush()
        self.heard[(listener, wires[0].source)] = wires[-1].mark

    async def events(self, service: str, kind: type[Event] | None = None) -> list[Any]:
        """The service's own events in commit order."""
        kit = self.kits[service]
        rows = await kit.database.pool.fetch(statements.OF_INTEREST_UNGATED, "0", 0, [], 1_000_000)
        found = [kit.store.restore(row) for row in rows]
        return [event for event in found if kind is None or isinstance(event, kind)]


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A fresh database with every service's schema, and every service's feed served on loopback."""
    folder = Path(tempfile.mkdtemp(prefix="presswork-ground-"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    found: dict[str, Kit] = {}
    running = AsyncExitStack()
    try:
        server = migrated(folder / "postgres", *SERVICES, shared_buffers="128MB")
        postgres, dsns = await running.enter_async_context(server)
        common: dict[str, Any] = {f"{name}_url": f"{base}/{name}" for name in SERVICES}
        common |= {"event_backoff": 3600.0}  # what was set aside is retried when a test says so
        common |= {"internal_token": "inside", "field_keys": Fernet.generate_key().decode(), "data_dir": folder}
        feeds = FastAPI()
        for name, service in projecting().items():
            acting = service if name == "workflow" else replace(service, reactions=[])
            kit = found[name] = Kit(acting, service.settings(database_url=dsns[name], **common))
            await kit.database.open()
            for source in kit.sources:
                await kit.database.pool.execute(_FROM_THE_BEGINNING, source)
            await kit.inbox.load()
            app = create_app(title=name, service=name, routers=[internal_api.router], metrics=kit.metrics)
            app.state.kit = kit
            feeds.mount(f"/{name}", app)
        async with _served(feeds, listener):
            yield Ground(postgres, dsns, found)
    finally:
        for kit in found.values():
            await kit.database.close()
        await running.aclose()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _served(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving


async def tell(on: Ground, chance: random.Random, *, workflows: int) -> None:
    """People come, connect their accounts, upload, start workflows, review, publish, change their minds and go."""
    people = [new_id() for _ in range(max(1, workflows // 4))]
    for user_id in people:
        await accounts.sign_up(on, user_id, chance)
        await _connect(on, user_id, chance)
        await _upload(on, user_id, chance)
        await writing.write(on, user_id, chance)
        await posts.tell(on, user_id, chance)
        for _ in range(3):  # so many that one of them comes to something
            await execute(on.kits["workflow"], user_id, chance)
        await listen_in(on, user_id, chance)
        await run_a_batch(on.kits["workflow"], user_id, chance)
        await review_a_caption(on.kits["workflow"], user_id, chance)
        await import_a_file(on.kits["workflow"], user_id, chance)
    for _ in range(workflows):
        await _start(on, chance.choice(people), chance)
    for _ in range(4):
        await _write_and_judge(on, chance)
        await _review(on, chance)
        await _publish(on, chance)
    for name in on.kits:
        await on.hear(name, chance)


async def _connect(on: Ground, user_id: UUID, chance: random.Random) -> None:
    default: UUID | None = None
    for platform in ("x", "x", "linkedin"):
        connection = {"connection_id": new_id(), "user_id": user_id}
        key = connection["connection_id"]
        await on.play(
            publishing.ConnectionAdded(
                **connection,
                name=f"{platform} {key}",
                platform_type=platform,
                instance_url=f"https://{platform}.example",
                username=key.hex,
                access_token="sealed",
                replaces_id=default if platform == "x" else None,
            ),
            key=key,
        )
        if platform == "x" and default is not None:
            await on.play(publishing.ConnectionUsed(**connection, used_at=AT), key=key)
            await on.play(publishing.ConnectionRemoved(**connection, successor_id=default), key=key)
        default = default or key
    for local_time, stays in (("09:00", True), ("18:30", False)):
        slot = {"slot_id": new_id(), "user_id": user_id}
        key = derive("slots", user_id)
        time_of_week = {"platform": "x", "weekdays": (1, 4), "local_time": local_time, "time_zone": "Europe/Berlin"}
        await on.play(publishing.SlotAdded(**slot, **time_of_week), key=key)
        if not stays:
            await on.play(publishing.SlotRemoved(**slot), key=key)


async def _upload(on: Ground, user_id: UUID, chance: random.Random) -> None:
    for number in range(4):
        file = {"file_id": new_id(), "user_id": user_id}
        key = file["file_id"]
        stored = media.FileStored(
            **file,
            path=f"files/{key}.md",
            name="a.md",
            mime_type="text/markdown",
            size_bytes=number,
            sha256=key.hex,
        )
        await on.play(stored, key=key)
        match chance.choice(["read", "unreadable", "waiting"]):
            case "read":
                text = {"title": "A", "language": "en", "characters": 9, "text_path": f"texts/{key}", "sha256": "0"}
                await on.play(media.TextExtracted(**file, **text), key=key)
            case "unreadable":
                await on.play(media.ExtractionFailed(**file, reason="It is no text."), key=key)
        if chance.random() < 0.3:
            await on.play(media.FileDeleted(**file), key=key)
        resource = {"resource_id": new_id(), "user_id": user_id}
        key = resource["resource_id"]
        await on.play(
            media.ResourceAdded(**resource, type="style_sample", content="Grüße 🌱", metadata={"n": 1}), key=key
        )
        if chance.random() < 0.3:
            await on.play(media.ResourceRemoved(**resource), key=key)


async def _start(on: Ground, user_id: UUID, chance: random.Random) -> None:
    kit = on.kits["workflow"]
    project_id, workflow_id = new_id(), new_id()
    await kit.handle(project.CreateProject(project_id, user_id, "Spring"), actor=user_id)
    if chance.random() < 0.5:
        await kit.handle(project.UpdateProject(project_id, user_id, title="Summer"), actor=user_id)
    if chance.random() < 0.3:
        await kit.handle(project.DeleteProject(project_id, user_id), actor=user_id)
    text = f"{workflow_id} A heap steams. \\ 'quoted' \"twice\" \t {chance.random()}"
    source = Source(title="Heaps", text=text, sha256=workflow_id.hex, characters=len(text), language="en")
    platforms = tuple(chance.sample(PLATFORMS, chance.randint(1, 3)))
    weights = chance.choice([{}, {"clarity": 0.1, "grammar": 0.9}])
    use = TemplateUse(template_id=project_id, name="Notes", variables={"topic": "Grüße"})
    template = use if chance.random() < 0.3 else None
    options = {"max_iterations": 2, "criteria_weights": weights, "template": template}
    await kit.handle(StartWorkflow(workflow_id, user_id, source, platforms, **options), actor=user_id)


def _parts(event: Any) -> dict[str, Any]:
    return {"workflow_id": event.workflow_id, "user_id": event.user_id, "platform": event.platform}


async def _unanswered(on: Ground, kind: type[Event]) -> list[Any]:
    """The workflow service's events of this kind that nobody has reacted to yet; now somebody does."""
    found = [event for event in await on.events("workflow", kind) if event.meta.event_id not in on.answered]
    on.answered.update(event.meta.event_id for event in found)
    return found


async def _write_and_judge(on: Ground, chance: random.Random) -> None:
    """Until no draft is asked for any more."""
    while asked := await _unanswered(on, DraftRequested):
        for request in asked:
            draft_id = derive("draft", request.meta.event_id)
            parts = _parts(request) | {"draft_id": draft_id, "iteration": request.iteration}
            if chance.random() < 0.1:
                await on.play(generation.DraftFailed(**parts, reason="The model is away."), key=draft_id)
                continue
            draft = generation.DraftCreated(
                **parts,
                content=f"Grüße, {draft_id}",
                source="ai",
                engine="offline",
                hashtags=("a", "b"),
                usage={"calls": 0.5},
            )
            await on.play(draft, key=draft_id)
            judged = parts | {"evaluation_id": derive("evaluation", draft_id)}
            if chance.random() < 0.1:
                failed = evaluation.EvaluationFailed(**judged, reason="No judge.")
                await on.play(failed, key=failed.evaluation_id)
                continue
            score = chance.randint(40, 100)
            verdict = evaluation.DraftEvaluated(
                **judged,
                score=score,
                criteria_scores={"tone": score},
                criteria_weights={"tone": 0.1},
                feedback="Shorter.",
                judge="offline",
            )
            await on.play(verdict, key=verdict.evaluation_id)
        await on.hear("workflow", chance)


async def _review(on: Ground, chance: random.Random) -> None:
    kit = on.kits["workflow"]
    for ready in await _unanswered(on, PlatformReadyForReview):
        await talk(kit, ready, chance)
        if chance.random() < 0.1:
            continue  # it waits for a reviewer to this day
        human_draft = derive("human", ready.meta.event_id)
        later = AT + timedelta(days=1)
        publication = chance.choice([Publication(new_id()), Publication(new_id(), later, "Europe/Berlin")])
        decision = chance.choice(
            [
                Decision(ready.platform, "accept", publication=publication),
                Decision(ready.platform, "accept", publication=publication),
                Decision(ready.platform, "reject", feedback="Dull."),
                Decision(ready.platform, "reject", feedback="Dull.", regenerate=True),
                Decision(ready.platform, "edit_and_refine", content="Mine.", human_draft_id=human_draft),
                Decision(
                    ready.platform,
                    "edit_and_publish",
                    content="Mine.",
                    human_draft_id=human_draft,
                    publication=publication,
                ),
            ]
        )
        await kit.handle(Review(ready.workflow_id, ready.user_id, (decision,)), actor=ready.user_id)


async def _publish(on: Ground, chance: random.Random) -> None:
    for request in await _unanswered(on, PublicationRequested):
        key = request.job_id
        job = _parts(request) | {"job_id": key, "draft_id": request.draft_id}
        if request.scheduled_for:
            scheduled = {"scheduled_for": request.scheduled_for, "time_zone": "Europe/Berlin"}
            await on.play(publishing.JobScheduled(**job, **scheduled), key=key)
            if chance.random() < 0.3:
                await on.play(publishing.JobRescheduled(**job, **scheduled, turn=2), key=key)
            if chance.random() < 0.3:
                await on.play(publishing.JobCancelled(**job), key=key)
                continue
        else:
            await on.play(publishing.JobQueued(**job), key=key)
        await on.play(publishing.JobStarted(**job, attempt=1), key=key)
        if chance.random() < 0.3:
            wait = {"error_class": "rate_limited", "reason": "Later.", "retry_at": AT, "turn": 1}
            await on.play(publishing.JobPostponed(**job, **wait), key=key)
            await on.play(publishing.JobStarted(**job, attempt=2), key=key)
        if chance.random() < 0.3:
            await on.play(publishing.JobFailed(**job, error_class="bad_content", reason="Too long."), key=key)
            if chance.random() < 0.5:
                continue
            await on.play(publishing.JobRetried(**job), key=key)
            await on.play(publishing.JobStarted(**job, attempt=3), key=key)
        out = {"platform_post_id": key.hex, "url": f"https://x.example/{key}", "published_at": AT}
        await on.play(publishing.JobPublished(**job, **out, response={"status": 201}), key=key)
        where = {"platform_post_id": key.hex, "url": f"https://x.example/{key}"}
        for likes in range(chance.randint(0, 2)):
            figures = {"likes": likes, "comments": 0, "views": 9 * likes, "measured_at": AT}
            await on.play(publishing.EngagementMeasured(**job, **where, **figures), key=key)
        if chance.random() < 0.3:
            await on.play(publishing.EngagementWithheld(**job, **where, reason="Gone."), key=key)
    await on.hear("workflow", chance)
