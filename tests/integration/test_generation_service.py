"""Generation at work: sources heard, drafts written and kept, versions read by their owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic import command

from contracts.events.workflow import Source
from deploy.migrate import alembic_config, migrate
from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.generation.engines import provenance
from services.media.app import service as media
from services.workflow.app import service as workflow
from services.workflow.domain.commands import StartWorkflow
from shared.ids import derive, new_id
from tests.integration.desk import ARTICLE, PLATFORMS, Desk, Someone, desk, until

CHAPTER = "Chapter {0} tells of a lighthouse that guided {0} ships past the rocks of the northern coast."
LONG = "# A long story\n\n" + "\n\n".join(CHAPTER.format(number) for number in range(1, 600))


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, generation, evaluation, media) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def test_every_platform_gets_a_draft_made_of_the_source(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0)
    drafts = {draft["platform"]: draft for draft in await ada.drafts(workflow_id, 3)}
    assert sorted(drafts) == sorted(PLATFORMS)
    for platform, draft in drafts.items():
        assert (draft["source"], draft["engine"], draft["iteration"]) == ("ai", "offline", 1)
        assert draft["id"] == str(derive("draft", workflow_id, platform, 1))
        assert (draft["based_on_id"], draft["language"], draft["tone"]) == (None, "en", "professional")
        assert all(origin != "missing" for _, origin in provenance(draft["content"], ARTICLE, draft["title"]))
    assert drafts["x"]["hashtags"]
    assert (await ada.get("generation", f"/api/v1/drafts/{drafts['x']['id']}")).body == drafts["x"]


async def test_a_draft_that_is_not_good_enough_is_followed_by_another_based_on_it(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=100, max_iterations=3)
    await ada.states(workflow_id, "awaiting_review")
    drafts = [draft for draft in await ada.drafts(workflow_id) if draft["platform"] == "linkedin"]
    assert [draft["iteration"] for draft in drafts] == [1, 2, 3]
    assert len({draft["content"] for draft in drafts}) == 3
    lineage = (await ada.get("generation", f"/api/v1/drafts/{drafts[-1]['id']}/lineage")).body["items"]
    assert lineage == drafts
    assert [draft["based_on_id"] for draft in lineage] == [None, lineage[0]["id"], lineage[1]["id"]]


async def test_a_persons_text_is_kept_as_it_is_and_gone_on_from(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["linkedin"])
    await ada.states(workflow_id, "awaiting_review")
    text = "## My own words 🥖\n\nNobody else wrote this, and nobody shall change it."
    edit = {"platform": "linkedin", "action": "edit_and_refine", "content": text}
    assert (await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": [edit]})).status == 200

    first, human, second = await ada.drafts(workflow_id, 3)
    assert (human["source"], human["engine"], human["title"]) == ("human", "human", "My own words 🥖")
    assert (human["content"], human["based_on_id"], human["iteration"]) == (text, first["id"], 2)
    assert (second["source"], second["based_on_id"], second["iteration"]) == ("ai", human["id"], 3)
    assert (await ada.get("generation", f"/api/v1/drafts/{human['id']}")).body == human


async def test_a_long_source_is_fetched_once_for_all_platforms(platform: Desk, ada: Someone) -> None:
    before = await fetches(platform)
    drafts = await ada.drafts(await ada.start(LONG, min_score=0), 3)
    assert all("lighthouse" in draft["content"] for draft in drafts)
    assert all(draft["title"] == "A long story" for draft in drafts)
    assert await fetches(platform) == before + 1


async def test_samples_become_a_style_that_drafts_are_written_in_and_judged_by(ada: Someone, platform: Desk) -> None:
    sample = "🚀 Short lines work.\n\nWe write them daily. You read them fast.\n\n#lines #words #work #craft"
    asked = {"type": "style_sample", "content": sample, "metadata": {"platform": "linkedin"}}
    added = await ada.post("media", "/api/v1/resources", asked)
    reference = {"type": "reference", "content": "No style at all."}
    assert (await ada.post("media", "/api/v1/resources", reference)).status == 201

    async def known() -> dict[str, Any] | None:
        found = (await ada.get("generation", "/api/v1/style-profile", platform="linkedin")).body
        return found if found["samples"] else None

    found = await until(known)
    assert (found["samples"], found["style"]["hashtags"], found["style"]["favourite_emoji"]) == (1, 4, ["🚀"])
    assert "Emoji are used, most of all 🚀." in found["description"]

    workflow_id = await ada.start(min_score=0, platforms=["linkedin"])
    (draft,) = await ada.drafts(workflow_id)
    assert draft["content"].startswith("🚀 ")
    assert draft["usage"]["style_samples"] == 1
    assert all(origin != "missing" for _, origin in provenance(draft["content"], ARTICLE, draft["title"]))
    (verdict,) = await ada.evaluations(workflow_id)
    assert verdict["measures"]["style_consistency"]["samples"] == 1

    eve = platform.someone()
    assert (await eve.get("generation", "/api/v1/style-profile")).body["style"] is None
    assert (await ada.delete("media", f"/api/v1/resources/{added.body['id']}")).status == 204

    async def forgotten() -> bool:
        return bool((await ada.get("generation", "/api/v1/style-profile")).body["samples"] == 0)

    await until(forgotten)


async def test_a_style_for_no_platform_is_refused_and_tones_are_listed(ada: Someone) -> None:
    refused = await ada.get("generation", "/api/v1/style-profile", platform="pigeon")
    assert refused.status == 422
    assert "use one of linkedin, x, blog" in refused.body["detail"]
    names = [tone["name"] for tone in (await ada.get("generation", "/api/v1/tones")).body["items"]]
    assert names[:3] == ["professional", "casual", "friendly"]


async def fetches(platform: Desk) -> int:
    """How often media was asked for the text of a file by another service."""
    async with platform.http.get(platform.urls["media"] + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    counts = [line for line in lines if "duration_seconds_count" in line and "/internal/files/{file_id}/text" in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in counts)


async def test_a_source_that_is_gone_ends_in_a_failure_that_says_what_to_do(platform: Desk, ada: Someone) -> None:
    gone = Source(title="Lost", file_id=new_id(), sha256="0" * 64, characters=50_000)
    lost = StartWorkflow(new_id(), ada.user_id, gone, ("x",))
    await platform.kits["workflow"].handle(lost, actor=ada.user_id)
    states = await ada.states(str(lost.workflow_id), "failed")
    assert states["x"]["reason"] == (
        "The file of this workflow is gone: upload it again. To try again, start a new workflow."
    )
    assert await ada.drafts(str(lost.workflow_id), 0) == []


async def template(who: Someone, prompt: str) -> str:
    made = await who.post("generation", "/api/v1/templates", {"name": "Launch", "type": "linkedin", "prompt": prompt})
    return str(made.body["id"])


LAUNCH = "{what} is here. It {does}. Try it today, and tell us what you bake on {platform}."


async def test_a_filled_template_is_what_drafts_are_made_of(ada: Someone) -> None:
    template_id = await template(ada, LAUNCH)
    variables = {"what": "The quiet oven", "does": "bakes two loaves in forty minutes without a fan"}
    started = {
        "mode": "template",
        "template_input": {"template_id": template_id, "variables": variables},
        "min_score": 0,
    }
    answer = await ada.post("workflow", "/api/v1/workflows", started | {"platforms": ["linkedin", "blog"]})
    assert answer.status == 201, answer.body
    filled = (
        "The quiet oven is here. It bakes two loaves in forty minutes without a fan. "
        "Try it today, and tell us what you bake on linkedin, blog."
    )
    workflow_id, kept = answer.body["id"], answer.body["template_input"]
    assert (answer.body["mode"], answer.body["source_content"], kept["text"]) == ("template", None, filled)
    assert kept["template"] == {"template_id": template_id, "name": "Launch", "variables": variables}
    await ada.states(workflow_id, "awaiting_review")
    for draft in await ada.drafts(workflow_id, 2):
        assert "bakes two loaves in forty minutes" in draft["content"]
        assert all(origin != "missing" for _, origin in provenance(draft["content"], filled, draft["title"]))


async def test_beside_a_source_a_filled_template_tells_how_to_write(ada: Someone) -> None:
    offered = (await ada.get("generation", "/api/v1/templates", is_custom=False, type="linkedin")).body["items"][0]
    by = {"mode": "template", "template_input": {"template_id": offered["id"], "variables": {"topic": "rye bread"}}}
    workflow_id = await ada.start(**by, platforms=["linkedin"], min_score=0, tone="casual")
    found = (await ada.get("workflow", f"/api/v1/workflows/{workflow_id}")).body
    options = found["manual_options"]
    assert options["topic"] == "rye bread"
    assert options["brief"].startswith("Write a LinkedIn post about rye bread in a casual tone")
    assert found["template_input"]["text"].strip() == ARTICLE.strip()
    (draft,) = await ada.drafts(workflow_id)
    assert "rye" in draft["content"]
    assert "Write a LinkedIn post" not in draft["content"]


async def test_a_template_that_cannot_be_filled_starts_nothing(platform: Desk, ada: Someone) -> None:
    mine, eve = await template(ada, LAUNCH), platform.someone()
    offered = (await ada.get("generation", "/api/v1/templates", is_custom=False)).body["items"][0]
    by = {"mode": "template", "platforms": ["x"]}

    async def refused(who: Someone, status: int, sentence: str, **body: Any) -> dict[str, Any]:
        answer = await who.post("workflow", "/api/v1/workflows", by | body)
        told = answer.body["detail"] + str(answer.body.get("errors", ""))
        assert (answer.status, sentence in told) == (status, True), answer.body
        return dict(answer.body)

    def of(template_id: object, **variables: str) -> dict[str, Any]:
        return {"template_input": {"template_id": str(template_id), "variables": variables}}

    values = {"what": "Oven", "does": "bakes"}
    assert (await refused(ada, 422, "wants a value for does", **of(mine, what="Oven")))["missing"] == ["does"]
    assert (await refused(ada, 422, "no placeholder dose", **of(mine, **values, dose="x")))["unknown"] == ["dose"]
    await refused(ada, 422, "shorten what you send", **of(mine, what="x" * 20_000, does="bakes"))
    await refused(ada, 422, "send `source` as well", **of(offered["id"], topic="bread", target_length="9", title="t"))
    await refused(ada, 404, "no such template", **of(new_id()))
    await refused(eve, 404, "no such template", **of(mine, **values))
    await refused(ada, 422, "mode template needs it")
    await refused(ada, 422, "send both or neither", mode="manual", source={"text": "Bread."}, **of(mine, **values))
    await refused(ada, 422, "Send a `source`", mode="manual")
    assert (await ada.get("workflow", "/api/v1/workflows")).body["items"] == []


async def test_a_restart_of_the_database_costs_no_draft(platform: Desk, ada: Someone) -> None:
    started = [await ada.start(f"# Story {n}\n\n{ARTICLE}", min_score=100, max_iterations=2) for n in range(4)]
    await ada.drafts(started[0])
    await asyncio.to_thread(platform.postgres.restart)
    for workflow_id in started:
        states = await ada.states(workflow_id, "awaiting_review", "failed", seconds=120)
        assert {state["status"] for state in states.values()} == {"awaiting_review"}
        assert len(await ada.drafts(workflow_id)) == 2 * len(PLATFORMS)


async def test_pages_follow_each_other_and_filters_hold(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0)
    drafts = (await ada.drafts(workflow_id, 3))[::-1]
    await ada.drafts(await ada.start(min_score=0, platforms=["x"]), 1)

    seen, cursor = [], None
    while True:
        params = {"workflow_id": workflow_id, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await ada.get("generation", "/api/v1/drafts", **params)).body
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == drafts
    assert [draft["platform"] for draft in await ada.drafts(workflow_id, platform="blog")] == ["blog"]
    assert len((await ada.get("generation", "/api/v1/drafts")).body["items"]) == 4
    assert (await ada.get("generation", "/api/v1/drafts", cursor="nonsense")).status == 400


async def test_what_belongs_to_others_does_not_exist(platform: Desk, ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["x"])
    (draft,) = await ada.drafts(workflow_id)
    eve = platform.someone()
    assert (await eve.get("generation", "/api/v1/drafts", workflow_id=workflow_id)).body["items"] == []
    for path in (f"/api/v1/drafts/{draft['id']}", f"/api/v1/drafts/{draft['id']}/lineage"):
        for who, asked, status in ((eve, path, 404), (ada, path.replace(draft["id"], str(new_id())), 404)):
            refused = await who.get("generation", asked)
            assert (refused.status, "list the drafts" in refused.body["detail"]) == (status, True)
        assert (await replace(ada, token="").get("generation", path)).status == 401


async def test_the_services_role_sees_only_what_its_user_may(platform: Desk, ada: Someone) -> None:
    await ada.drafts(await ada.start(min_score=0, platforms=["x"]))
    for table in ("drafts", "sources"):
        async with platform.kits["generation"].database.reading(ada.user_id) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1
        async with platform.kits["generation"].database.reading(new_id()) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_task_taken_over_by_another_worker_changes_nothing(platform: Desk, ada: Someone) -> None:
    """The same order written again, as when a lease ran out: the draft stays the one that is there."""
    workflow_id = await ada.start(min_score=0, platforms=["x"])
    (draft,) = await ada.drafts(workflow_id)
    kit = platform.kits["generation"]
    requested = await kit.database.pool.fetchval(
        "SELECT causation_id FROM events WHERE stream_id = $1", derive("draft", workflow_id, "x", 1)
    )
    payload = {
        "workflow_id": workflow_id,
        "user_id": str(ada.user_id),
        "platform": "x",
        "iteration": 1,
        "tone": "casual",
        "feedback": None,
        "based_on_id": None,
        "options": {},
        "requested_by": str(requested),
    }
    again = new_id()
    await kit.database.pool.execute(
        "INSERT INTO tasks (id, kind, payload, correlation_id) VALUES ($1, 'write', $2, $3)", again, payload, again
    )
    kit.workers.wake()

    async def done() -> bool | None:
        return not await kit.database.pool.fetchval("SELECT count(*) FROM tasks WHERE id = $1", again) or None

    await until(done)
    assert await ada.drafts(workflow_id) == [draft]
    assert await kit.database.pool.fetchval("SELECT count(*) FROM events WHERE stream_id = $1", draft["id"]) == 1


async def test_the_tables_are_the_documented_ones_and_can_be_taken_back(platform: Desk) -> None:
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        columns = {
            row["column_name"]: (row["data_type"], row["character_maximum_length"], row["is_nullable"])
            for row in await connection.fetch(
                "SELECT * FROM information_schema.columns WHERE table_schema = 'generation' AND table_name = 'drafts'"
            )
        }
        documented = {
            "id": ("uuid", None, "NO"),
            "workflow_id": ("uuid", None, "NO"),
            "platform": ("character varying", 20, "NO"),
            "content": ("text", None, "NO"),
            "source": ("character varying", 20, "NO"),
            "based_on_id": ("uuid", None, "YES"),
            "created_at": ("timestamp with time zone", None, "NO"),
        }
        assert documented.items() <= columns.items()
        indexes = {
            row["indexname"]
            for row in await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'generation'")
        }
        assert {"idx_draft_workflow_id", "idx_draft_platform", "idx_draft_created_at"} <= indexes
    finally:
        await connection.close()


async def test_the_migration_goes_down_and_up_again(platform: Desk) -> None:
    connection = await asyncpg.connect(platform.admin_dsn)
    await connection.execute("CREATE DATABASE another")
    await connection.close()
    dsn = urlsplit(platform.admin_dsn)._replace(path="/another").geturl()
    await migrate(dsn, {})
    config = alembic_config(dsn, "generation")
    connection = await asyncpg.connect(dsn)
    try:
        for step, to, there in ((command.downgrade, "0001", 0), (command.upgrade, "head", 2)):
            await asyncio.to_thread(step, config, to)
            found = await connection.fetch(_TABLES, ["drafts", "sources"])
            assert len(found) == there
    finally:
        await connection.close()


_TABLES = "SELECT FROM pg_tables WHERE schemaname = 'generation' AND tablename = ANY ($1)"


async def test_what_changed_between_iterations(platform: Desk, ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["linkedin", "x"])
    await ada.states(workflow_id, "awaiting_review")
    edit = {"platform": "linkedin", "action": "edit_and_refine", "content": "Mine alone.\n\nIn two lines."}
    assert (await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": [edit]})).status == 200
    drafts = await ada.drafts(workflow_id, 4)
    first, human, _ = [draft for draft in drafts if draft["platform"] == "linkedin"]
    (x,) = [draft for draft in drafts if draft["platform"] == "x"]

    path = f"/api/v1/drafts/{human['id']}/diff"
    diff = (await ada.get("generation", path)).body
    assert (diff["against"], diff["unit"], diff["title"]) == (first["id"], "words", "Mine alone.")
    pieces = [(each["kind"], each["text"]) for each in diff["pieces"]]
    assert "".join(text for kind, text in pieces if kind != "insert") == first["content"]
    assert "".join(text for kind, text in pieces if kind != "delete") == human["content"]
    back = (await ada.get("generation", f"/api/v1/drafts/{first['id']}/diff", against=human["id"], unit="lines")).body
    assert (back["unit"], back["inserted"]) == ("lines", sum(1 for line in first["content"].splitlines() if line))
    same = (await ada.get("generation", path, against=human["id"])).body
    assert (same["similarity"], same["pieces"]) == (1.0, [{"kind": "equal", "text": human["content"]}])

    assert (await ada.get("generation", f"/api/v1/drafts/{first['id']}/diff")).status == 422  # goes on from none
    assert (await ada.get("generation", path, against=x["id"])).status == 422
    assert (await ada.get("generation", path, against=new_id())).status == 404
    assert (await ada.get("generation", path, unit="pages")).status == 422
    assert (await platform.someone().get("generation", path)).status == 404
