"""Templates, caption tasks, caption settings and token usage at work: the API, the rows, and who sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.generation.app import service as generation
from services.generation.domain.token_usage import RecordTokens
from shared.ids import new_id
from tests.integration.desk import Answer, Desk, Someone, desk

PROMPT = "Write about {topic} for {audience}."


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(generation, caption_tasks_per_hour=3) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def make(who: Someone, name: str = "Deep dive", prompt: str = PROMPT) -> Answer:
    return await who.post("generation", "/api/v1/templates", {"name": name, "type": "blog", "prompt": prompt})


async def internal(platform: Desk, method: str, path: str, body: Any, token: str = "inside") -> Answer:
    url = platform.urls["generation"] + path
    async with platform.http.request(method, url, json=body, headers={"X-Presswork-Internal-Token": token}) as answer:
        return Answer(answer.status, await answer.json(content_type=None) if answer.status >= 300 else None)


async def test_a_template_is_kept_changed_previewed_and_deleted(ada: Someone) -> None:
    made = await make(ada)
    assert made.status == 201
    assert (made.body["placeholders"], made.body["variables"]) == (["topic", "audience"], ["audience"])
    assert made.body["is_custom"] is True
    path = f"/api/v1/templates/{made.body['id']}"

    preview = await ada.post("generation", f"{path}/preview", {"variables": {"topic": "bread", "other": "x"}})
    assert preview.body == {
        "prompt": "Write about bread for {audience}.",
        "missing": ["audience"],
        "unknown": ["other"],
    }

    changed = await ada.send("generation", "PATCH", path, {"prompt": "About {topic}."})
    assert (changed.status, changed.body["prompt"], changed.body["name"]) == (200, "About {topic}.", "Deep dive")
    assert changed.body["updated_at"] > made.body["created_at"]
    assert (await ada.get("generation", path)).body == changed.body

    assert (await ada.send("generation", "DELETE", path)).status == 204
    assert (await ada.get("generation", path)).status == 404
    assert (await make(ada)).status == 201, "its name is free again"


async def test_a_name_is_given_once_a_user(platform: Desk, ada: Someone) -> None:
    first = await make(ada)
    refused = await make(ada)
    assert (refused.status, refused.body["type"].rpartition(":")[2]) == (409, "conflict")
    assert "You have a template called 'Deep dive' already" in refused.body["detail"]
    other = await make(ada, "Other")
    renamed = await ada.send("generation", "PATCH", f"/api/v1/templates/{other.body['id']}", {"name": "Deep dive"})
    assert renamed.status == 409
    assert (await make(platform.someone())).status == 201
    assert (await ada.get("generation", f"/api/v1/templates/{first.body['id']}")).status == 200


async def test_a_repeated_request_makes_one_template(ada: Someone) -> None:
    body = {"name": "Once", "type": "email", "prompt": PROMPT}
    key = {"Idempotency-Key": str(new_id())}
    first, second = [await ada.send("generation", "POST", "/api/v1/templates", body, key) for _ in range(2)]
    assert first.body["id"] == second.body["id"]
    reused = await ada.send("generation", "POST", "/api/v1/templates", body | {"name": "Twice"}, key)
    assert reused.status == 422


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"prompt": "About {topic"}, 422, "The { at character 7"),
        ({"prompt": "About {0}"}, 422, "{0} is no placeholder"),
        ({"prompt": "  "}, 422, ""),
        ({"name": " "}, 422, ""),
        ({"type": "fax"}, 422, ""),
        ({"colour": "red"}, 422, ""),
        ({"prompt": "x" * 10_001}, 422, ""),
        ({"name": "\x00"}, 422, "cannot be stored"),
    ],
)
async def test_a_bad_template_is_refused(ada: Someone, body: dict[str, str], status: int, sentence: str) -> None:
    sent = {"name": "Deep dive", "type": "blog", "prompt": PROMPT} | body
    refused = await ada.post("generation", "/api/v1/templates", sent)
    assert (refused.status, sentence in refused.body["detail"]) == (status, True), refused.body
    assert (await ada.get("generation", "/api/v1/templates", is_custom=True)).body["items"] == []


async def test_everybody_may_use_the_platforms_templates_and_nobody_change_them(ada: Someone) -> None:
    offered = (await ada.get("generation", "/api/v1/templates", is_custom=False)).body["items"]
    assert sorted(each["type"] for each in offered) == ["blog", "email", "instagram", "linkedin", "twitter"]
    path = f"/api/v1/templates/{offered[0]['id']}"
    for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
        refused = await ada.send("generation", method, path, body)
        assert (refused.status, "make one of your own" in refused.body["detail"]) == (403, True)
    assert [
        each["type"] for each in (await ada.get("generation", "/api/v1/templates", type="email")).body["items"]
    ] == ["email"]


async def test_templates_come_in_pages(ada: Someone) -> None:
    for n in range(3):
        await make(ada, f"Number {n}")
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2, "is_custom": True}
    while True:
        page = (await ada.get("generation", "/api/v1/templates", **params)).body
        seen += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ["Number 2", "Number 1", "Number 0"]


async def start(who: Someone, connection_id: UUID | None = None) -> Answer:
    return await who.post("generation", "/api/v1/caption-tasks", {"connection_id": str(connection_id or new_id())})


async def test_a_task_goes_from_queued_over_progress_to_its_results(platform: Desk, ada: Someone) -> None:
    account = new_id()
    chosen = await ada.send("generation", "PUT", f"/api/v1/caption-settings/{account}", {"max_posts_per_run": 5})
    assert (chosen.status, chosen.body["max_posts_per_run"], chosen.body["max_caption_length"]) == (200, 5, 500)
    task = (await start(ada, account)).body
    assert (task["status"], task["progress_percent"], task["settings"]["max_posts_per_run"]) == ("queued", 0, 5)
    path = f"/internal/caption-tasks/{task['id']}"
    assert (
        await internal(platform, "PUT", f"{path}/progress", {"progress_percent": 40, "current_step": "2 of 5"})
    ).status == 204

    running = (await ada.get("generation", f"/api/v1/caption-tasks/{task['id']}")).body
    assert (running["status"], running["progress_percent"], running["current_step"]) == ("running", 40, "2 of 5")
    outcome = {"status": "completed", "results": {"captions_generated": 5}}
    for _ in range(2):
        assert (await internal(platform, "PUT", f"{path}/outcome", outcome)).status == 204
    done = (await ada.get("generation", f"/api/v1/caption-tasks/{task['id']}")).body
    assert (done["status"], done["results"], done["progress_percent"]) == ("completed", {"captions_generated": 5}, 100)
    assert done["started_at"] == running["started_at"] <= done["completed_at"]
    late = await internal(platform, "PUT", f"{path}/progress", {"progress_percent": 50, "current_step": "3 of 5"})
    assert (late.status, late.body["current"]) == (409, "completed")


async def test_a_user_has_one_task_at_a_time_and_so_many_an_hour(platform: Desk, ada: Someone) -> None:
    first = (await start(ada)).body
    second = await start(ada)
    assert (second.status, second.body["task_id"]) == (409, first["id"])
    assert "wait for its end or cancel it" in second.body["detail"]
    assert (await start(platform.someone())).status == 201

    cancelled = await ada.post("generation", f"/api/v1/caption-tasks/{first['id']}/cancel", None)
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    third = (await start(ada)).body
    reason = {"status": "failed", "reason": "Connect the account again."}
    await internal(platform, "PUT", f"/internal/caption-tasks/{third['id']}/outcome", reason)
    assert (await ada.get("generation", f"/api/v1/caption-tasks/{third['id']}")).body["error"] == reason["reason"]
    fourth = (await start(ada)).body
    await ada.post("generation", f"/api/v1/caption-tasks/{fourth['id']}/cancel", None)
    fifth = await start(ada)
    assert (fifth.status, "at most 3 are allowed" in fifth.body["detail"]) == (429, True)
    listed = (await ada.get("generation", "/api/v1/caption-tasks", status="cancelled")).body["items"]
    assert [each["id"] for each in listed] == [fourth["id"], first["id"]]


async def test_settings_that_were_never_chosen_are_the_documented_ones(ada: Someone) -> None:
    account = str(new_id())
    assert (await ada.get("generation", f"/api/v1/caption-settings/{account}")).body == {
        "connection_id": account,
        "max_posts_per_run": 50,
        "max_caption_length": 500,
        "optimal_min_length": 80,
        "optimal_max_length": 200,
        "reprocess_existing": False,
        "processing_delay": 1.0,
        "created_at": None,
        "updated_at": None,
    }
    assert (await ada.get("generation", "/api/v1/caption-settings")).body["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"optimal_min_length": 300},
        {"max_caption_length": 501},
        {"max_posts_per_run": 0},
        {"processing_delay": -1},
        {"processing_delay": "NaN"},
        {"speed": 9},
    ],
)
async def test_bad_settings_are_refused(ada: Someone, body: dict[str, Any]) -> None:
    refused = await ada.send("generation", "PUT", f"/api/v1/caption-settings/{new_id()}", body)
    assert refused.status == 422
    assert (await ada.get("generation", "/api/v1/caption-settings")).body["items"] == []


async def test_what_belongs_to_others_does_not_exist(platform: Desk, ada: Someone) -> None:
    template, task = (await make(ada)).body, (await start(ada)).body
    eve = platform.someone()
    for path in (f"/api/v1/templates/{template['id']}", f"/api/v1/caption-tasks/{task['id']}"):
        assert (await eve.get("generation", path)).status == 404
    assert (await eve.post("generation", f"/api/v1/caption-tasks/{task['id']}/cancel", None)).status == 404
    assert (await eve.send("generation", "DELETE", f"/api/v1/templates/{template['id']}")).status == 404
    assert (await eve.get("generation", "/api/v1/caption-tasks")).body["items"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/internal/captions", {"caption": "x" * 501}, 422),
        ("/internal/captions", {"caption": "  "}, 422),
        ("/internal/captions", {"image_id": "seven"}, 422),
        ("/internal/summaries", {"tags": ["a", "b"]}, 422),
        ("/internal/summaries", {"tags": ["A", "b", "c"]}, 422),
        ("/internal/summaries", {"content_hash": "short"}, 422),
        ("/internal/summaries", {"pain_points": [{"category": "x"}]}, 422),
    ],
)
async def test_a_bad_report_is_refused(platform: Desk, path: str, body: dict[str, Any], status: int) -> None:
    assert (await internal(platform, "POST", path, reports(path) | body)).status == status


@pytest.mark.parametrize(
    ("path", "event"), [("/internal/captions", "CaptionGenerated"), ("/internal/summaries", "PostSummarised")]
)
async def test_a_report_is_kept_once_and_only_from_within(platform: Desk, path: str, event: str) -> None:
    body = reports(path)
    assert (await internal(platform, "POST", path, body, token="guessed")).status == 403
    for _ in range(2):
        assert (await internal(platform, "POST", path, body)).status == 204
    stream = body.get("image_id") or body["post_id"]
    kept = await platform.kits["generation"].database.pool.fetch("SELECT type FROM events WHERE stream_id = $1", stream)
    assert [row["type"] for row in kept] == [event]


def reports(path: str) -> dict[str, Any]:
    """A good report to this address."""
    who = {"user_id": str(new_id()), "engine": "offline"}
    if path == "/internal/captions":
        return who | {"image_id": str(new_id()), "caption": "A heap of leaves with steam above it."}
    return who | {"post_id": str(new_id()), "summary_ko": "요약", "tags": ["a", "b", "c"], "content_hash": "0" * 64}


async def test_usage_is_summed_by_day_service_and_model(platform: Desk, ada: Someone) -> None:
    kit = platform.kits["generation"]
    for service, model, cost in (
        ("generation", "small", "0.000150"),
        ("generation", "small", "0.000050"),
        ("evaluation", "small", None),
        ("generation", "large", "1.500000"),
    ):
        command = RecordTokens(new_id(), service, model, 100, 10, cost, user_id=ada.user_id)
        await kit.handle(command, actor=ada.user_id)
    usage = (await ada.get("generation", "/api/v1/token-usage")).body
    today = datetime.now(UTC).date().isoformat()
    assert [(each["day"], each["service"], each["model"], each["calls"]) for each in usage["items"]] == [
        (today, "evaluation", "small", 1),
        (today, "generation", "large", 1),
        (today, "generation", "small", 2),
    ]
    assert [each["cost_usd"] for each in usage["items"]] == [None, "1.500000", "0.000200"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["cost_usd"]) == (400, 40, "1.500200")
    assert usage["unpriced_calls"] == 1
    small = (await ada.get("generation", "/api/v1/token-usage", model="small", first=today, last=today)).body
    assert {each["model"] for each in small["items"]} == {"small"}
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert (await ada.get("generation", "/api/v1/token-usage", last=yesterday)).body["items"] == []
    assert (await platform.someone().get("generation", "/api/v1/token-usage")).body["items"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"first": "2026-03-02", "last": "2026-03-01"},
        {"first": "2020-01-01", "last": "2026-01-01"},
        {"last": "9999-12-31"},
        {"first": "never"},
    ],
)
async def test_days_that_make_no_sense_are_refused(ada: Someone, params: dict[str, str]) -> None:
    assert (await ada.get("generation", "/api/v1/token-usage", **params)).status == 422
