"""Webhooks at work: services tell a real receiver on loopback, which verifies, refuses, is slow, or is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook as Verifier

from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.publishing.app import service as publishing
from services.publishing.domain.tokens import BreakConnection
from services.workflow.app import service as workflow
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.desk import Desk, Someone, desk, until
from tests.unit.serving import serve

TEXT = "Bread rises overnight, and loaves are eaten by noon. "
PAUSES = [0.05, 0.05, 0.1]


@dataclass
class Receiver:
    """Keeps what it is sent, by the last part of the path; answers what `answers` says for it, or for it and a type."""

    url: str = ""
    got: dict[str, list[tuple[dict[str, str], bytes]]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)  # used up one after the other; the last one stays
    slow: dict[str, asyncio.Event] = field(default_factory=dict)  # answers when that is set

    async def take(self, name: str, headers: dict[str, str], body: bytes) -> int:
        self.got.setdefault(name, []).append((headers, body))
        of_type = f"{name} {json.loads(body)['type']}"
        if (let_go := self.slow.get(of_type) or self.slow.get(name)) is not None:
            await let_go.wait()
        answers = self.answers.get(of_type) or self.answers.get(name, [])
        return answers.pop(0) if len(answers) > 1 else (answers or [200])[0]

    def verified(self, name: str, secret: str) -> list[dict[str, Any]]:
        """What arrived there, each signed with the secret."""
        return [Verifier(secret).verify(body, headers) for headers, body in self.got.get(name, [])]

    def types(self, name: str, secret: str) -> list[str]:
        return [message["type"] for message in self.verified(name, secret)]

    def ids(self, name: str) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got.get(name, [])]


@dataclass
class House:
    desk: Desk
    receiver: Receiver

    @property
    def kit(self) -> Kit:
        return self.desk.kits["publishing"]


def app_of(receiver: Receiver) -> FastAPI:
    app = FastAPI()

    @app.post("/{name}")
    async def take(name: str, request: Request) -> Response:
        status = await receiver.take(name, dict(request.headers), await request.body())
        return Response(status_code=status, headers={"Location": receiver.url + "/elsewhere"})

    return app


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    receiver = Receiver()
    async with serve(app_of(receiver)) as url:
        receiver.url = url
        options: dict[str, Any] = {"engine": "instant", "judge": "instant", "connector": "instant"}
        options |= {"webhook_allow_private": True, "webhook_pauses": PAUSES, "webhook_timeout": 5.0}
        async with desk(workflow, generation, evaluation, publishing, **options) as running:
            yield House(running, receiver)


@pytest.fixture
def ada(house: House) -> Someone:
    return house.desk.someone()


async def listen(house: House, user: Someone, *events: str, **more: Any) -> dict[str, Any]:
    """A webhook with a path of its own at the receiver: its row, `secret` and `name`."""
    name = new_id().hex
    body = {"url": f"{house.receiver.url}/{name}", "events": list(events) or ["*"], **more}
    answer = await user.post("publishing", "/api/v1/webhooks", body)
    assert answer.status == 201, answer.body
    return {**answer.body, "name": name}


async def deliveries(user: Someone, webhook_id: str, **params: Any) -> list[dict[str, Any]]:
    answer = await user.get("publishing", f"/api/v1/webhooks/{webhook_id}/deliveries", limit=100, **params)
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.body["items"]
    return rows[::-1]


async def settled(user: Someone, webhook_id: str, status: str, count: int = 1) -> list[dict[str, Any]]:
    """The webhook's deliveries as soon as there are so many and all are in this state."""

    async def look() -> list[dict[str, Any]] | None:
        rows = await deliveries(user, webhook_id)
        return rows if len(rows) >= count and all(row["status"] == status for row in rows) else None

    return await until(look)


async def ping(user: Someone, webhook_id: str) -> dict[str, Any]:
    answer = await user.post("publishing", f"/api/v1/webhooks/{webhook_id}/test", None)
    assert answer.status == 202, answer.body
    found: dict[str, Any] = answer.body
    return found


async def published(user: Someone) -> str:
    """A workflow from its start to its end."""
    workflow_id = await user.start(TEXT * 3, platforms=["blog"])
    await user.states(workflow_id, "awaiting_review")
    body = {"decisions": [{"platform": "blog", "action": "accept", "publish": {}}]}
    assert (await user.post("workflow", f"/api/v1/workflows/{workflow_id}/review", body)).status == 200
    await user.states(workflow_id, "published")
    return workflow_id


async def test_every_event_of_a_workflow_is_told_once_signed_and_in_order(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    only = await listen(house, ada, "draft.*", "workflow.completed")
    workflow_id = await published(ada)

    async def complete() -> list[str] | None:
        types = house.receiver.types(hook["name"], hook["secret"])
        return types if {"workflow.completed", "job.published"} <= set(types) else None

    types = await until(complete)
    own = ["workflow.started", "draft.requested", "platform.ready_for_review", "draft.accepted"]
    own += ["publication.requested", "platform.published", "workflow.completed"]
    assert [name for name in types if name in own] == own, "the workflow's events arrive in their order"
    jobs = ["job.queued", "job.started", "job.published"]
    assert [name for name in types if name in jobs] == jobs
    assert {"draft.created", "draft.evaluated"} <= set(types)
    await settled(ada, hook["id"], "delivered", len(types))
    assert len(set(house.receiver.ids(hook["name"]))) == len(types), "nothing is sent twice"
    for message in house.receiver.verified(hook["name"], hook["secret"]):
        assert message["data"]["workflow_id"] == workflow_id
        assert datetime.fromisoformat(message["timestamp"]) <= datetime.now(UTC)
    await settled(ada, only["id"], "delivered", 5)
    assert sorted(house.receiver.types(only["name"], only["secret"])) == sorted(
        name for name in types if name.startswith("draft.") or name == "workflow.completed"
    )


async def test_a_connection_that_broke_is_told_with_what_to_do(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, "connection.broken")
    body = {"platform": "x", "name": "Mornings", "access_token": "of-no-use"}
    made = (await ada.post("publishing", "/api/v1/connections", body)).body
    broken = BreakConnection(UUID(made["id"]), ada.user_id, 1, "X does not accept your token. Connect X again.")
    await house.kit.handle(broken, actor=None)
    await settled(ada, hook["id"], "delivered")
    (message,) = house.receiver.verified(hook["name"], hook["secret"])
    told = {name: message["data"][name] for name in ("connection_id", "platform_type", "name", "reason")}
    assert told == {
        "connection_id": made["id"],
        "platform_type": "x",
        "name": "Mornings",
        "reason": "X does not accept your token. Connect X again.",
    }
    assert "access_token" not in message["data"]


async def test_nobody_hears_of_others_or_of_what_was_before(house: House, ada: Someone) -> None:
    await published(ada)
    late = await listen(house, ada, "workflow.*")
    stranger = await listen(house, house.desk.someone(), "workflow.*")
    # Enabled only after what follows: as if publishing heard of it late.
    await house.kit.database.pool.execute(
        "UPDATE webhooks SET active_since = now() + interval '3 seconds' WHERE id = $1", UUID(late["id"])
    )
    await published(ada)
    heard = await listen(house, ada, "workflow.*")
    await published(ada)
    await settled(ada, heard["id"], "delivered", 2)
    assert house.receiver.ids(late["name"]) == []
    assert house.receiver.ids(stranger["name"]) == []


async def test_a_receiver_that_fails_hears_again_under_the_same_id(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, "webhook.test")
    house.receiver.answers[hook["name"]] = [500, 302, 200]
    sent = await ping(ada, hook["id"])
    (row,) = await settled(ada, hook["id"], "delivered")
    assert house.receiver.ids(hook["name"]) == [sent["id"]] * 3
    assert [attempt["status"] for attempt in row["attempts"]] == [500, None, 200]
    assert "2xx" in row["attempts"][0]["error"]
    assert "redirects" in row["attempts"][1]["error"]
    assert row["attempts"][2]["error"] is None
    assert house.receiver.ids("elsewhere") == [], "redirects are not followed"


async def test_later_events_of_a_story_wait_for_the_one_that_fails(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, "workflow.started", "draft.requested")
    house.receiver.answers[hook["name"]] = [503, 503, 200]
    await ada.start(TEXT * 3, platforms=["blog"])
    await settled(ada, hook["id"], "delivered", 2)
    assert house.receiver.types(hook["name"], hook["secret"]) == ["workflow.started"] * 3 + ["draft.requested"]


async def test_a_receiver_that_keeps_failing_is_disabled_and_the_others_are_told(house: House, ada: Someone) -> None:
    witness = await listen(house, ada, "webhook.disabled")
    hook = await listen(house, ada, "*")
    house.receiver.answers[hook["name"]] = [500]
    await ping(ada, hook["id"])
    (row,) = await settled(ada, hook["id"], "failed")
    assert len(row["attempts"]) == len(PAUSES) + 1

    async def disabled() -> dict[str, Any] | None:
        found = (await ada.get("publishing", f"/api/v1/webhooks/{hook['id']}")).body
        return found if not found["is_active"] else None

    found = await until(disabled)
    assert (found["disabled_reason"], "500" in found["disabled_detail"]) == ("failing", True)
    await settled(ada, witness["id"], "delivered")
    (notice,) = house.receiver.verified(witness["name"], witness["secret"])
    assert (notice["type"], notice["data"]["webhook_id"]) == ("webhook.disabled", hook["id"])
    refused = await ada.post("publishing", f"/api/v1/webhooks/{hook['id']}/test", None)
    assert (refused.status, "enable it first" in refused.body["detail"]) == (409, True)
    # Enabled again, what failed is replayed under the same id.
    house.receiver.answers[hook["name"]] = [200]
    await ada.patch("publishing", f"/api/v1/webhooks/{hook['id']}", {"is_active": True})
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    again = await ada.post("publishing", f"/api/v1/webhooks/{hook['id']}/replay", {"since": since})
    assert (again.status, again.body) == (202, {"replayed": 1})
    await settled(ada, hook["id"], "delivered")
    assert set(house.receiver.ids(hook["name"])) == {row["id"]}


async def test_410_disables_at_once(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, "webhook.test")
    house.receiver.answers[hook["name"]] = [410]
    await ping(ada, hook["id"])
    (row,) = await settled(ada, hook["id"], "failed")
    assert [attempt["status"] for attempt in row["attempts"]] == [410]

    async def gone() -> bool | None:
        found = (await ada.get("publishing", f"/api/v1/webhooks/{hook['id']}")).body
        return True if found["disabled_reason"] == "gone" else None

    await until(gone)


async def test_a_failure_beside_successes_disables_nobody(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, "project.created")
    tests = f"{hook['name']} webhook.test"
    house.receiver.answers[tests] = [500]
    house.receiver.slow[tests] = asyncio.Event()
    first = await ping(ada, hook["id"])

    async def called() -> bool | None:
        return True if house.receiver.ids(hook["name"]) == [first["id"]] else None

    await until(called)
    assert (await ada.post("workflow", "/api/v1/projects", {"title": "Bread"})).status == 201

    async def told(status: str) -> bool | None:
        return True if await deliveries(ada, hook["id"], status=status) else None

    await until(lambda: told("delivered"))
    house.receiver.slow[tests].set()
    await until(lambda: told("failed"))
    assert (await ada.get("publishing", f"/api/v1/webhooks/{hook['id']}")).body["is_active"]


async def test_a_delivery_is_replayed_and_shown_with_its_body(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    sent = await ping(ada, hook["id"])
    await settled(ada, hook["id"], "delivered")
    path = f"/api/v1/webhooks/{hook['id']}/deliveries/{sent['id']}"
    assert (await ada.post("publishing", path + "/replay", None)).status == 202

    async def twice() -> bool | None:
        return True if len(house.receiver.ids(hook["name"])) == 2 else None

    await until(twice)
    await settled(ada, hook["id"], "delivered")
    shown = (await ada.get("publishing", path)).body
    assert shown["body"]["type"] == "webhook.test"
    assert len(shown["attempts"]) == 2
    assert await deliveries(ada, hook["id"], type="draft.created") == []


async def test_a_rotated_secret_signs_beside_the_old_one(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    rotated = await ada.post("publishing", f"/api/v1/webhooks/{hook['id']}/rotate-secret", None)
    assert rotated.status == 200
    assert rotated.body["secret"] != hook["secret"]
    await ping(ada, hook["id"])
    await settled(ada, hook["id"], "delivered")
    for secret in (hook["secret"], rotated.body["secret"]):
        assert house.receiver.types(hook["name"], secret) == ["webhook.test"]


async def test_one_slow_receiver_holds_up_nobody_else(house: House, ada: Someone) -> None:
    slow, quick = await listen(house, ada), await listen(house, ada)
    house.receiver.slow[slow["name"]] = asyncio.Event()
    try:
        for _ in range(8):
            await ping(ada, slow["id"])
        await ping(ada, quick["id"])
        await settled(ada, quick["id"], "delivered")
        assert len(house.receiver.ids(slow["name"])) <= 4, "so many at a time"
    finally:
        house.receiver.slow[slow["name"]].set()
    await settled(ada, slow["id"], "delivered", 8)


async def test_the_secret_is_shown_once_and_kept_encrypted(house: House, ada: Someone) -> None:
    hook = await listen(house, ada, description=" mine ")
    assert hook["secret"].startswith("whsec_")
    assert hook["description"] == "mine"
    seen = [(await ada.get("publishing", f"/api/v1/webhooks/{hook['id']}")).body]
    seen += (await ada.get("publishing", "/api/v1/webhooks")).body["items"]
    assert all("secret" not in row for row in seen)
    row = await house.kit.database.pool.fetchrow("SELECT * FROM webhooks WHERE id = $1", UUID(hook["id"]))
    stored = await house.kit.database.pool.fetchrow(
        "SELECT data::text, private FROM events WHERE type = 'WebhookAdded' AND data->>'webhook_id' = $1", hook["id"]
    )
    assert house.kit.store.cipher.decrypt(row["secret"].encode()).decode() == hook["secret"]
    everything = str(dict(row)) + stored["data"] + stored["private"].decode("latin-1")
    assert hook["secret"] not in everything
    assert hook["name"] not in stored["data"], "addresses stay at home: they often hold a key"


@pytest.mark.parametrize(
    ("body", "saying"),
    [
        ({"url": "ftp://example.org/"}, "no usable URL"),
        ({"url": "https://me:pw@example.org/"}, "password"),
        ({"url": "https://example.org/", "events": ["draft.invented"]}, "event-types"),
        ({"url": "https://example.org/", "events": []}, "events"),
        ({"url": "https://example.org/", "events": "*"}, "events"),
        ({"url": "https://example.org/", "secret": "mine"}, "secret"),
        ({"url": "https://example.org/\u0000"}, "U+0000"),
        ({"url": "https://example.org/\u0007"}, "url"),
        ({"url": "https://example.org/" + "a" * 2000}, "url"),
        ({}, "url"),
    ],
)
async def test_what_makes_no_webhook_is_refused(house: House, ada: Someone, body: Any, saying: str) -> None:
    answer = await ada.post("publishing", "/api/v1/webhooks", body)
    assert (answer.status, saying in str(answer.body)) == (422, True), answer.body
    assert (await ada.get("publishing", "/api/v1/webhooks")).body["items"] == []


async def test_others_see_nothing_of_a_webhook(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    sent = await ping(ada, hook["id"])
    eve, base = house.desk.someone(), f"/api/v1/webhooks/{hook['id']}"
    for method, path in (
        ("GET", base),
        ("PATCH", base),
        ("DELETE", base),
        ("POST", f"{base}/test"),
        ("POST", f"{base}/rotate-secret"),
        ("GET", f"{base}/deliveries"),
        ("GET", f"{base}/deliveries/{sent['id']}"),
        ("POST", f"{base}/deliveries/{sent['id']}/replay"),
    ):
        answer = await eve.send("publishing", method, path, {} if method == "PATCH" else None)
        assert answer.status == 404, (method, path, answer.body)
    replay = await eve.post("publishing", f"{base}/replay", {"since": "2026-01-01T00:00:00Z"})
    assert replay.status == 404
    mine = await listen(house, eve)
    crossed = await eve.get("publishing", f"/api/v1/webhooks/{mine['id']}/deliveries/{sent['id']}")
    assert crossed.status == 404


async def test_a_removed_webhook_leaves_nothing(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    await ping(ada, hook["id"])
    await settled(ada, hook["id"], "delivered")
    assert (await ada.delete("publishing", f"/api/v1/webhooks/{hook['id']}")).status == 204
    left = "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1"
    assert await house.kit.database.pool.fetchval(left, UUID(hook["id"])) == 0
    # A transaction that saw the webhook before it was removed may end after that.
    pool, late = house.kit.database.pool, new_id()
    await pool.execute(
        "INSERT INTO webhook_deliveries (id, webhook_id, user_id, event_id, type, story, body) "
        "VALUES ($1, $2, $1, $1, 'draft.created', $1, '{}')",
        late,
        UUID(hook["id"]),
    )
    put = "INSERT INTO tasks (id, kind, payload, due_at, correlation_id) VALUES ($1, 'webhook', $2, now(), $1)"
    await pool.execute(put, late, {"delivery_id": str(late)})

    async def forgotten() -> bool | None:
        return not await pool.fetchval(left, UUID(hook["id"])) or None

    await until(forgotten)
    assert (await ada.get("publishing", f"/api/v1/webhooks/{hook['id']}")).status == 404
    assert (await ada.get("publishing", "/api/v1/webhooks")).body["items"] == []


async def test_a_key_makes_one_webhook_with_one_secret(house: House, ada: Someone) -> None:
    body = {"url": f"{house.receiver.url}/once"}
    headers = {"Idempotency-Key": "once"}
    made = [await ada.send("publishing", "POST", "/api/v1/webhooks", body, headers) for _ in range(2)]
    assert [answer.status for answer in made] == [201, 201]
    assert made[0].body == made[1].body


async def test_what_a_crash_interrupted_is_sent_again_under_the_same_id(house: House, ada: Someone) -> None:
    hook = await listen(house, ada)
    sent = await ping(ada, hook["id"])
    await settled(ada, hook["id"], "delivered")
    # As after a crash between the answer and the note of it: the task is there, the delivery pending.
    pool = house.kit.database.pool
    await pool.execute("UPDATE webhook_deliveries SET status = 'pending' WHERE id = $1", UUID(sent["id"]))
    await pool.execute(
        "INSERT INTO tasks (id, kind, payload, due_at, correlation_id) VALUES ($1, 'webhook', $2, now(), $1)",
        UUID(sent["id"]),
        {"delivery_id": sent["id"]},
    )
    await settled(ada, hook["id"], "delivered")
    assert set(house.receiver.ids(hook["name"])) == {sent["id"]}
    assert len(house.receiver.ids(hook["name"])) == 2
