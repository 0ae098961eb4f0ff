"""Many decisions in one request: each by itself, whoever may decide, and told item by item."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.workflow.app import service as workflow
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.desk import Answer, Desk, Someone, desk
from tests.integration.reviewing import draft_id, drafted, started


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["workflow"]


def item(workflow_id: str, platform: str = "x", action: str = "accept", **more: Any) -> dict[str, Any]:
    decided = {"workflow_id": workflow_id, "platform": platform, "draft_id": draft_id(workflow_id, platform)}
    return {**decided, "action": action, **more}


async def bulk(who: Someone, *items: dict[str, Any]) -> Answer:
    return await who.post("workflow", "/api/v1/reviews/bulk", {"items": list(items)})


async def test_what_can_be_decided_is_and_each_item_says_what_became_of_it(
    platform: Desk, ada: Someone, kit: Kit
) -> None:
    bob = platform.someone()
    first = await started(kit, ada, "x", "blog", "linkedin")
    second = await started(kit, ada, "x")
    foreign = await started(kit, bob, "x")
    answer = await bulk(
        ada,
        item(first, "blog", publish={"scheduled_for": "2000-01-01T09:00:00Z"}),
        item(foreign),
        item(first, "x", publish={}),
        item(second, action="reject", feedback="Shorter.", regenerate=True),
        item(first, "linkedin", draft_id=str(new_id())),
        item(str(new_id())),
        item(second, "blog"),
    )
    assert answer.status == 200, answer.body
    assert (answer.body["done"], answer.body["refused"]) == (2, 5)
    items = answer.body["items"]
    assert [each["status"] for each in items] == [422, 404, 200, 200, 409, 404, 422]
    assert [each["ok"] for each in items] == [each["status"] == 200 for each in items]
    assert items[2]["state"]["status"] == "accepted"
    assert items[2]["state"]["job_id"]
    assert items[3]["state"] == {
        "status": "generating",
        "iteration": 2,
        "active_draft_id": draft_id(second, "x"),
        "job_id": None,
    }
    assert items[4]["problem"]["current"]["active_draft_id"] == draft_id(first, "linkedin")
    assert all(each["problem"]["detail"].endswith(".") for each in items if not each["ok"])
    assert (await bob.states(foreign, "awaiting_review"))["x"]["status"] == "awaiting_review"


async def test_the_same_list_again_decides_nothing_twice(ada: Someone, kit: Kit) -> None:
    workflow_id = await started(kit, ada, "x")
    assert (await bulk(ada, item(workflow_id, publish={}))).body["done"] == 1
    again = (await bulk(ada, item(workflow_id, publish={}))).body["items"][0]
    assert (again["status"], again["problem"]["current"]["status"]) == (409, "accepted")
    asked = "SELECT count(*) FROM events WHERE stream_id = $1 AND type = 'PublicationRequested'"
    assert await kit.database.pool.fetchval(asked, workflow_id) == 1


async def test_a_reviewer_decides_for_others_and_does_not_publish_for_them(
    platform: Desk, ada: Someone, kit: Kit
) -> None:
    eve = platform.someone("reviewer")
    workflow_id = await started(kit, ada, "x", "blog")
    answer = await bulk(eve, item(workflow_id, "x"), item(workflow_id, "blog", publish={}))
    assert [each["status"] for each in answer.body["items"]] == [200, 403]
    row = await kit.database.pool.fetchrow(
        "SELECT data FROM events WHERE stream_id = $1 AND type = 'DraftAccepted'", workflow_id
    )
    assert str(eve.user_id) in str(row["data"])
    states = (await ada.get("workflow", f"/api/v1/workflows/{workflow_id}")).body["states"]
    assert {state["platform"]: state["status"] for state in states} == {"x": "accepted", "blog": "awaiting_review"}


async def test_of_two_who_decide_at_once_one_is_told_of_the_other(platform: Desk, ada: Someone, kit: Kit) -> None:
    eve = platform.someone("reviewer")
    workflow_id = await started(kit, ada, "x")
    answers = await asyncio.gather(
        bulk(ada, item(workflow_id)), bulk(eve, item(workflow_id, action="reject", feedback="No."))
    )
    items = [answer.body["items"][0] for answer in answers]
    assert sorted(each["status"] for each in items) == [200, 409]
    won = next(each for each in items if each["ok"])
    lost = next(each for each in items if not each["ok"])
    assert lost["problem"]["current"]["status"] == won["state"]["status"]


async def test_a_decision_on_the_draft_before_is_refused_with_the_active_one(ada: Someone, kit: Kit) -> None:
    workflow_id = await started(kit, ada, "x")
    path = f"/api/v1/workflows/{workflow_id}/review"
    seen = {"platform": "x", "draft_id": draft_id(workflow_id, "x")}
    again = {**seen, "action": "reject", "regenerate": True}
    assert (await ada.post("workflow", path, {"decisions": [again]})).status == 200
    await drafted(kit, ada, workflow_id, "x", iteration=2)
    stale = await ada.post("workflow", path, {"decisions": [{**seen, "action": "accept"}]})
    assert stale.status == 409
    assert stale.body["current"] == {
        "platform": "x",
        "status": "awaiting_review",
        "iteration": 2,
        "active_draft_id": draft_id(workflow_id, "x", 2),
        "job_id": None,
    }


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item(str(new_id())) for _ in range(101)],
        [{**item(str(new_id())), "draft_id": None}],
        [item(str(new_id()), "fax")],
        [item(str(new_id()), action="edit_and_publish")],
        [item(str(new_id()), regenerate=True)],
        [item(str(new_id()), action="reject", publish={})],
        [item(str(new_id()), action="reject", feedback="x" * 5001)],
        [item(str(new_id()), score=3)],
        [item("00000000-0000-0000-0000-000000000001"), item("00000000-0000-0000-0000-000000000001")],
    ],
)
async def test_a_list_that_contradicts_itself_is_refused_as_a_whole(ada: Someone, items: list[dict[str, Any]]) -> None:
    answer = await bulk(ada, *items)
    assert answer.status == 422
    assert answer.body["errors"]
