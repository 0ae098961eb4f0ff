"""Outputs at work: asked for, written of files or of a given text, looked at, changed, put away, deleted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import Any
from uuid import UUID

import aiohttp
import docx
import pytest

from services.generation.app import service as generation
from services.generation.domain.output import RequestOutput
from services.generation.engines import provenance
from services.media.app import service as media
from services.workflow.app import service as workflow
from shared.ids import new_id
from tests.integration.desk import ARTICLE, Answer, Desk, Someone, desk, until

TEMPLATE = {"name": "Notes", "type": "blog", "prompt": "About {topic} for {audience}, {target_length} words."}


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, generation, media) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def project(who: Someone) -> str:
    made = await who.post("workflow", "/api/v1/projects", {"title": "Garden"})
    return str(made.body["id"])


async def upload(who: Someone, project_id: str, text: str, name: str = "notes.md") -> str:
    form = aiohttp.FormData({"project_id": project_id})
    form.add_field("file", text.encode(), filename=name)
    headers = {"Authorization": f"Bearer {who.token}"}
    async with who.http.post(who.urls["media"] + "/api/v1/files", data=form, headers=headers) as answer:
        body = await answer.json()
        assert answer.status == 201, body
        return str(body["id"])


async def ask(who: Someone, project_id: str, kind: str, **body: Any) -> Answer:
    return await who.post("generation", f"/api/v1/projects/{project_id}/generate/{kind}", body)


async def done(who: Someone, output_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        body: dict[str, Any] = (await who.get("generation", f"/api/v1/outputs/{output_id}")).body
        return body if body["status"] in ("completed", "failed") else None

    return await until(look)


async def written(who: Someone, kind: str = "blog", text: str = ARTICLE) -> dict[str, Any]:
    asked = await ask(who, await project(who), kind, text=text)
    assert asked.status == 202, asked.body
    return await done(who, asked.body["id"])


async def test_a_projects_files_become_a_text(ada: Someone) -> None:
    project_id = await project(ada)
    files = [await upload(ada, project_id, ARTICLE), await upload(ada, project_id, "Worms like the dark.", "worms.txt")]
    asked = await ask(ada, project_id, "blog", topic="steam", tone_of_voice="friendly", target_length=400)
    # The answer reads the row after the commit: a worker may have taken it by then.
    assert (asked.status, asked.body["body"]) == (202, None)
    assert asked.body["status"] in ("queued", "processing")
    output = await done(ada, asked.body["id"])
    assert output["status"] == "completed", output["error"]
    metadata = output["metadata"]
    assert metadata["file_ids"] == files
    assert (metadata["engine"], metadata["platform"], metadata["language"]) == ("offline", "blog", "en")
    assert metadata["word_count"] == len(output["body"].split()) <= 440
    assert metadata["reading_time"] >= 1
    assert metadata["keywords"]
    assert output["request"] == {"topic": "steam", "tone_of_voice": "friendly", "target_length": 400}
    assert output["updated_at"] > output["created_at"]
    async with told(ada, output["id"], after=2) as events:
        assert [await anext(events) for _ in range(3)] == [
            (3, "OutputProgressed"),
            (4, "OutputProgressed"),
            (5, "OutputCompleted"),
        ]


@pytest.mark.parametrize(("kind", "platform_name"), [("blog", "blog"), ("social", "linkedin"), ("email", "email")])
async def test_a_given_text_becomes_each_kind(ada: Someone, kind: str, platform_name: str) -> None:
    output = await written(ada, kind)
    assert (output["status"], output["kind"], output["metadata"]["platform"]) == ("completed", kind, platform_name)
    title = output["metadata"]["title"]
    assert all(origin != "missing" for _, origin in provenance(output["body"], ARTICLE, title))
    assert "text" not in output["request"]


async def test_a_long_text_travels_as_a_file(ada: Someone) -> None:
    text = "\n\n".join(f"Chapter {n} tells of a lighthouse that guided {n} ships home." for n in range(600))
    output = await written(ada, "social", text)
    assert output["status"] == "completed", output["error"]
    assert "lighthouse" in output["body"]
    assert len(output["metadata"]["file_ids"]) == 1


async def test_a_template_is_filled_and_says_where_the_text_goes(ada: Someone) -> None:
    template = (await ada.post("generation", "/api/v1/templates", TEMPLATE)).body
    project_id = await project(ada)
    of_template = {"text": ARTICLE, "template_id": template["id"]}
    missing = await ask(ada, project_id, "blog", **of_template)
    assert (missing.status, missing.body["missing"]) == (422, ["audience"])
    wrong = await ask(ada, project_id, "email", **of_template, variables={"audience": "all"})
    assert (wrong.status, "is for blog, not for email" in wrong.body["detail"]) == (422, True)
    asked = await ask(ada, project_id, "blog", **of_template, topic="heat", variables={"audience": "gardeners"})
    output = await done(ada, asked.body["id"])
    assert output["metadata"]["prompt"] == "About heat for gardeners, 1500 words."

    offered = (await ada.get("generation", "/api/v1/templates", is_custom=False, type="twitter")).body["items"]
    short = await done(
        ada, (await ask(ada, project_id, "social", text=ARTICLE, template_id=offered[0]["id"])).body["id"]
    )
    assert short["metadata"]["platform"] == "x"
    foreign = await ask(ada, project_id, "blog", text=ARTICLE, template_id=str(new_id()))
    assert (foreign.status, "no such template" in foreign.body["detail"]) == (404, True)


async def test_a_text_is_edited_put_away_and_deleted(ada: Someone) -> None:
    output = await written(ada, "social")
    path = f"/api/v1/outputs/{output['id']}"
    edited = await ada.send("generation", "PATCH", path, {"body": "My own words 🥖"})
    assert (edited.status, edited.body["body"]) == (200, "My own words 🥖")
    assert (edited.body["metadata"]["word_count"], edited.body["metadata"]["edited"]) == (4, True)

    archived = await ada.post("generation", f"{path}/archive", None)
    assert archived.body == edited.body | {"archived": True, "updated_at": archived.body["updated_at"]}
    assert (await ada.get("generation", path)).body == archived.body
    assert (await ada.get("generation", "/api/v1/outputs")).body["items"] == []
    assert (await ada.get("generation", "/api/v1/outputs", archived=True)).body["items"] == [archived.body]
    refused = await ada.send("generation", "PATCH", path, {"body": "More"})
    assert (refused.status, refused.body["current"]) == (409, "archived")

    assert (await ada.send("generation", "DELETE", path)).status == 204
    assert (await ada.get("generation", path)).status == 404
    assert (await ada.send("generation", "DELETE", path)).status == 204


@asynccontextmanager
async def told(who: Someone, output_id: str, after: int = 0) -> AsyncIterator[AsyncIterator[tuple[int, str]]]:
    """(number, type) of the output's events after a number, as they happen."""

    async def events() -> AsyncIterator[tuple[int, str]]:
        number = 0
        async for line in answer.content:
            if line.startswith(b"id:"):
                number = int(line[3:])
            elif line.startswith(b"data:"):
                yield number, json.loads(line[5:])["type"]

    url = f"{who.urls['generation']}/api/v1/outputs/{output_id}/events"
    headers = {"Authorization": f"Bearer {who.token}", "Last-Event-ID": str(after)}
    async with asyncio.timeout(30), who.http.get(url, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield events()


async def test_how_an_output_comes_about_is_told_as_it_happens(ada: Someone) -> None:
    output_id = (await ask(ada, await project(ada), "social", text=ARTICLE)).body["id"]
    path, expected = f"/api/v1/outputs/{output_id}", ["OutputRequested", "OutputStarted", "OutputCompleted"]
    async with told(ada, output_id) as events:
        assert [await anext(events) for _ in range(3)] == list(enumerate(expected, 1))
    async with told(ada, output_id, after=2) as events:
        assert await anext(events) == (3, "OutputCompleted")
        await ada.patch("generation", path, {"body": "Other words"})
        await ada.delete("generation", path)
        assert [each async for each in events] == [(4, "OutputEdited"), (5, "OutputDeleted")]
    assert (await ada.get("generation", f"{path}/events")).status == 404


async def download(who: Someone, output_id: str, **params: str) -> tuple[int, dict[str, str], bytes]:
    url, headers = (
        f"{who.urls['generation']}/api/v1/outputs/{output_id}/download",
        {"Authorization": f"Bearer {who.token}"},
    )
    async with who.http.get(url, params=params, headers=headers) as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def test_a_text_is_taken_away_as_a_file(ada: Someone) -> None:
    output = await written(ada)
    title = output["metadata"]["title"]
    status, headers, data = await download(ada, output["id"])
    assert (status, headers["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert data.decode() == output["body"].strip() + "\n"
    status, headers, data = await download(ada, output["id"], format="html")
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert f"<title>{escape(title)}</title>" in data.decode()
    status, headers, data = await download(ada, output["id"], format="docx")
    assert (status, headers["Content-Disposition"].endswith(".docx")) == (200, True)
    document = docx.Document(BytesIO(data))
    assert (document.core_properties.title, document.paragraphs[0].text) == (title, title)
    assert (await download(ada, output["id"], format="rtf"))[0] == 422


async def test_a_text_that_is_not_there_is_no_file(platform: Desk, ada: Someone) -> None:
    output_id, project_id = new_id(), UUID(await project(ada))
    lost = RequestOutput(
        output_id, project_id, ada.user_id, "blog", "blog", datetime.now(UTC), {}, file_ids=(new_id(),)
    )
    await platform.kits["generation"].handle(lost, actor=ada.user_id)
    await done(ada, str(output_id))
    status, _, body = await download(ada, str(output_id))
    refused = json.loads(body)
    assert (status, refused["current"]) == (409, "failed")
    assert "retry one that failed" in refused["detail"]
    copied = await ada.post("generation", f"/api/v1/outputs/{output_id}/copy", None)
    assert (copied.status, copied.body["current"]) == (409, "failed")


async def test_a_copy_is_changed_and_the_first_stays(ada: Someone) -> None:
    output = await written(ada, "social")
    path, key = f"/api/v1/outputs/{output['id']}/copy", {"Idempotency-Key": str(new_id())}
    copy = await ada.send("generation", "POST", path, None, key)
    assert copy.status == 201, copy.body
    alike = ("project_id", "kind", "status", "request", "body")
    assert {name: copy.body[name] for name in alike} == {name: output[name] for name in alike}
    assert copy.body["metadata"] == output["metadata"] | {"copied_from": output["id"]}
    assert (await ada.send("generation", "POST", path, None, key)).body["id"] == copy.body["id"] != output["id"]
    edited = await ada.patch("generation", f"/api/v1/outputs/{copy.body['id']}", {"body": "Other words"})
    assert (edited.body["body"], edited.body["metadata"]["word_count"]) == ("Other words", 2)
    assert (await ada.get("generation", f"/api/v1/outputs/{output['id']}")).body == output


async def test_a_file_that_is_gone_is_a_failure_that_can_be_tried_again(ada: Someone) -> None:
    project_id = await project(ada)
    file_id = await upload(ada, project_id, "Worms like the dark and the damp.")
    asked = await ask(ada, project_id, "social", file_ids=[file_id])
    first = await done(ada, asked.body["id"])
    assert first["status"] == "completed"
    assert (await ada.post("generation", f"/api/v1/outputs/{first['id']}/retry", None)).body["current"] == "completed"

    assert (await ada.send("media", "DELETE", f"/api/v1/files/{file_id}")).status == 204
    gone = await ask(ada, project_id, "social", file_ids=[file_id])
    assert (gone.status, "no such file" in gone.body["detail"]) == (404, True)


async def test_a_failure_says_why_and_is_tried_again(platform: Desk, ada: Someone) -> None:
    """The file goes between the request and the writing: nobody else can bring about that moment."""
    kit, lost, output_id = platform.kits["generation"], new_id(), new_id()
    project_id = await project(ada)
    command = RequestOutput(
        output_id, UUID(project_id), ada.user_id, "email", "email", datetime.now(UTC), {}, file_ids=(lost,)
    )
    await kit.handle(command, actor=ada.user_id)
    failed = await done(ada, str(output_id))
    assert (failed["status"], failed["body"]) == ("failed", None)
    assert failed["error"] == "A file of this output is gone: upload it again and ask for a new output."
    assert [each["id"] for each in (await ada.get("generation", "/api/v1/outputs", status="failed")).body["items"]] == [
        str(output_id)
    ]
    again = await ada.post("generation", f"/api/v1/outputs/{output_id}/retry", None)
    assert (again.status, again.body["error"]) == (202, None)
    assert (await done(ada, str(output_id)))["error"] == failed["error"]
    versions = "SELECT array_agg(type ORDER BY version) FROM events WHERE stream_id = $1"
    assert await kit.database.pool.fetchval(versions, output_id) == [
        "OutputRequested",
        "OutputStarted",
        "OutputFailed",
        "OutputRetried",
        "OutputStarted",
        "OutputFailed",
    ]


async def test_lists_follow_each_other_and_filters_hold(ada: Someone) -> None:
    first, second = await project(ada), await project(ada)
    made = [
        (await ask(ada, project_id, kind, text=ARTICLE)).body["id"]
        for project_id, kind in ((first, "blog"), (first, "email"), (second, "email"))
    ]
    for output_id in made:
        await done(ada, output_id)

    async def listed(**params: Any) -> list[str]:
        ids, cursor = [], None
        while True:
            page = (
                await ada.get(
                    "generation", "/api/v1/outputs", limit=1, **params, **({"cursor": cursor} if cursor else {})
                )
            ).body
            ids += [each["id"] for each in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                return ids

    assert await listed() == made[::-1]
    assert await listed(project_id=first) == [made[1], made[0]]
    assert await listed(kind="email") == [made[2], made[1]]
    assert await listed(project_id=first, kind="email", status="completed") == [made[1]]
    assert await listed(status="queued") == []
    assert await listed(project_id=new_id()) == []


async def test_a_repeated_request_is_one_output(ada: Someone) -> None:
    path, key = f"/api/v1/projects/{await project(ada)}/generate/blog", {"Idempotency-Key": str(new_id())}
    answers = [await ada.send("generation", "POST", path, {"text": ARTICLE}, key) for _ in range(2)]
    assert answers[0].body["id"] == answers[1].body["id"]
    assert len((await ada.get("generation", "/api/v1/outputs")).body["items"]) == 1


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("fax", {"text": "Bread."}, ""),
        ("blog", {}, "The project has no file with a text"),
        ("blog", {"text": " \n"}, ""),
        ("blog", {"text": "Bread.", "file_ids": ["0198c0de-0000-7000-8000-000000000001"]}, ""),
        ("blog", {"text": "Bread.", "platform": "x"}, "`platform` is for social outputs only"),
        ("social", {"text": "Bread.", "target_length": 100}, "leave `target_length` out"),
        ("social", {"text": "Bread.", "platform": "myspace"}, ""),
        ("blog", {"text": "Bread.", "target_length": 0}, ""),
        ("blog", {"text": "Bread.", "variables": {"a": "b"}}, ""),
        ("blog", {"text": "Bread.", "colour": "red"}, ""),
        ("blog", {"text": "B\x00"}, "cannot be stored"),
    ],
)
async def test_a_bad_request_is_refused(ada: Someone, kind: str, body: dict[str, Any], sentence: str) -> None:
    refused = await ask(ada, await project(ada), kind, **body)
    assert (refused.status, sentence in refused.body["detail"]) == (422, True), refused.body
    assert (await ada.get("generation", "/api/v1/outputs")).body["items"] == []


async def test_what_belongs_to_others_does_not_exist(platform: Desk, ada: Someone) -> None:
    output, eve = await written(ada, "social"), platform.someone()
    path = f"/api/v1/outputs/{output['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"body": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/retry", None),
        ("POST", f"{path}/archive", None),
        ("POST", f"{path}/copy", None),
        ("GET", f"{path}/download", None),
        ("GET", f"{path}/events", None),
    ):
        refused = await eve.send("generation", method, where, body)
        assert (refused.status, "list your outputs" in refused.body["detail"]) == (404, True)
    assert (await eve.get("generation", "/api/v1/outputs", project_id=output["project_id"])).body["items"] == []
    foreign = await ask(eve, output["project_id"], "blog", text=ARTICLE)
    assert (foreign.status, "list your projects" in foreign.body["detail"]) == (404, True)
    assert (await ada.get("generation", path)).body == output
