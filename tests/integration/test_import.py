"""Posts from files: read, refused line by line, reviewed, scheduled, exported and read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.evaluation.app import service as evaluation
from services.generation.app import service as generation
from services.publishing.app import service as publishing
from services.workflow.app import service as workflow
from services.workflow.domain.post_import import FinishPart, RemoveImport, RequestImport
from services.workflow.importing import api, working
from services.workflow.importing.reading import MOST, read
from services.workflow.importing.working import parts
from shared.decider import Invalid
from shared.ids import new_id
from tests.integration.desk import Answer, Desk, Someone, desk, until

HEAD = "platform,content,title,scheduled_for,time_zone"
LATER = "2090-05-01T09:00:00"


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[Desk]:
    options: dict[str, Any] = {"engine": "instant", "judge": "instant", "connector": "instant"}
    async with desk(workflow, generation, evaluation, publishing, **options) as running:
        yield running


@pytest.fixture
def ada(at: Desk) -> Someone:
    return at.someone()


async def send(user: Someone, body: str | bytes, media_type: str = "text/csv", **params: str) -> Answer:
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": media_type}
    url = user.urls["workflow"] + "/api/v1/import"
    content = body.encode() if isinstance(body, str) else body
    async with user.http.post(url, data=content, headers=headers, params=params) as answer:
        return Answer(answer.status, await answer.json(content_type=None))


async def workflows(user: Someone) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await user.get("workflow", "/api/v1/workflows", limit=100)).body["items"]
    return rows


async def jobs(user: Someone, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]] | None:
        rows: list[dict[str, Any]] = (await user.get("publishing", "/api/v1/jobs", limit=100)).body["items"]
        return rows if len(rows) >= count else None

    return await until(look)


async def test_a_line_with_a_time_is_scheduled_and_one_without_awaits_review(at: Desk, ada: Someone) -> None:
    body = f"{HEAD}\r\nblog,Bread rises.,Bread,{LATER},Europe/Berlin\r\nx,Dough rests.,,,\r\n"
    answer = await send(ada, body)
    assert (answer.status, answer.body["imported"], answer.body["refused"]) == (200, 2, 0), answer.body
    first, second = (line["workflow_id"] for line in answer.body["lines"])
    (job,) = await jobs(ada, 1)
    assert (job["workflow_id"], job["status"], job["time_zone"]) == (first, "scheduled", "Europe/Berlin")
    assert (await ada.states(first, "accepted"))["blog"]["status"] == "accepted"
    await ada.states(second, "awaiting_review")
    (draft,) = await ada.drafts(second)
    assert (draft["content"], draft["source"], draft["based_on_id"]) == ("Dough rests.", "human", None)
    decisions = {"decisions": [{"platform": "x", "action": "accept", "publish": {}}]}
    assert (await ada.post("workflow", f"/api/v1/workflows/{second}/review", decisions)).status == 200
    await ada.states(second, "published")
    # The same file again changes nothing.
    assert (await send(ada, body)).body["lines"] == answer.body["lines"]
    assert len(await workflows(ada)) == 2


async def test_nothing_is_imported_when_a_line_is_refused_unless_part_of_it_will_do(ada: Someone) -> None:
    bad = ["blog,,Empty,,", "fax,Bread.,,,", "blog,Bread.,,2001-01-01T00:00:00Z,", f"blog,Bread.,,{LATER},Mars/Base"]
    bad += ["blog,Bread.,,,Europe/Berlin", "blog,Bread.,,tomorrow,", f"linkedin,{'a' * 3001},,,"]
    body = "\n".join([HEAD, "blog,Good.,,,", *bad])
    refused = await send(ada, body)
    assert (refused.status, [line["line"] for line in refused.body["lines"]]) == (422, list(range(2, 9))), refused.body
    assert all(line["error"] for line in refused.body["lines"])
    dry = await send(ada, body, dry_run="true")
    assert (dry.status, dry.body["imported"], dry.body["refused"]) == (200, 0, 7)
    assert await workflows(ada) == []
    part = await send(ada, body, partial="true")
    assert (part.status, part.body["imported"], part.body["refused"]) == (200, 1, 7)
    assert len(await workflows(ada)) == 1


async def test_what_was_exported_can_be_imported(at: Desk, ada: Someone) -> None:
    content = '=1+1 is two, says "Ada".\nBread; rises, 빵'
    line = [{"platform": "blog", "content": content, "scheduled_for": LATER, "time_zone": "Asia/Seoul"}]
    async with ada.http.post(
        ada.urls["workflow"] + "/api/v1/import", json=line, headers={"Authorization": f"Bearer {ada.token}"}
    ) as answer:
        assert answer.status == 200, await answer.text()
    await jobs(ada, 1)
    headers = {"Authorization": f"Bearer {ada.token}"}
    url = ada.urls["publishing"] + "/api/v1/export/posts.csv"

    async def exported() -> bytes | None:
        async with ada.http.get(url, headers=headers) as found:
            body = await found.read()
        return body if "빵" in body.decode() else None

    bob = at.someone()
    again = await send(bob, await until(exported))
    assert (again.status, again.body["imported"]) == (200, 1), again.body
    (draft,) = await bob.drafts(again.body["lines"][0]["workflow_id"])
    assert draft["content"] == content
    (job,) = await jobs(bob, 1)
    assert (job["status"], job["scheduled_for"]) == ("scheduled", (await jobs(ada, 1))[0]["scheduled_for"])


@pytest.mark.parametrize(
    ("body", "media_type", "status", "saying"),
    [
        ("", "text/csv", 422, "head line lacks content and platform"),
        ("platform,content", "text/csv", 422, "no post"),
        ("platform,platform,content\nx,x,a", "text/csv", 422, "twice"),
        ("platform,content\nx,a,b", "text/csv", 422, "as many cells"),
        ('platform,content\nx,"a', "text/csv", 422, "no CSV"),
        ("platform,content\nx,\ud1a0".encode("euc-kr"), "text/csv", 422, "UTF-8"),
        ("{}", "application/json", 422, "array of objects"),
        ("[1]", "application/json", 422, "array of objects"),
        ("[", "application/json", 422, "no JSON"),
        ("a", "text/plain", 415, "text/csv or application/json"),
        ("platform,content\n" + "x,a\n" * (MOST + 1), "text/csv", 422, f"at most {MOST:,}"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused(
    ada: Someone, body: str | bytes, media_type: str, status: int, saying: str
) -> None:
    answer = await send(ada, body, media_type)
    assert (answer.status, saying in answer.body["detail"]) == (status, True), answer.body
    assert await workflows(ada) == []


AT_ONCE, LINES = 20, 8  # a long file here, so that the tests are short


class TestLongFiles:
    head = "platform,content\n"
    long = head + "".join(f"x,Bread {number}.\n" for number in range(1, AT_ONCE + 2))

    @pytest.fixture(autouse=True)
    def sizes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "AT_ONCE", AT_ONCE)
        monkeypatch.setattr(working, "LINES", LINES)

    @staticmethod
    async def over(user: Someone, import_id: str) -> dict[str, Any]:
        """The import as soon as it is over."""

        async def look() -> dict[str, Any] | None:
            found: dict[str, Any] = (await user.get("workflow", f"/api/v1/import/{import_id}")).body
            return found if found["status"] == "completed" else None

        return await until(look, 120)

    @staticmethod
    async def count(at: Desk, user: Someone) -> int:
        """How many workflows are the user's."""
        sql = "SELECT count(*) FROM workflows WHERE user_id = $1"
        return int(await at.kits["workflow"].database.pool.fetchval(sql, user.user_id))

    async def test_a_long_file_is_imported_by_and_by_and_each_refused_line_is_told(
        self, at: Desk, ada: Someone
    ) -> None:
        bad = f"x,{'a' * 60_001}\nfax,Bread.\n"
        asked = await send(ada, self.long + bad, partial="true")
        lines = AT_ONCE + 3
        assert (asked.status, asked.body["lines"]) == (202, lines), asked.body
        done = await self.over(ada, asked.body["id"])
        assert (done["imported"], done["refused"]) == (lines - 2, 2)
        assert await self.count(at, ada) == lines - 2
        path = f"/api/v1/import/{asked.body['id']}/refused"
        page = (await ada.get("workflow", path, limit=1)).body
        rest = (await ada.get("workflow", path, limit=1, cursor=page["next_cursor"])).body
        assert [each["line"] for each in page["items"] + rest["items"]] == [lines - 1, lines]
        assert all(each["error"] for each in page["items"] + rest["items"])
        assert rest["next_cursor"] is None
        listed = (await ada.get("workflow", "/api/v1/import")).body["items"]
        assert [each["id"] for each in listed] == [asked.body["id"]]
        bob = at.someone()
        for hidden in (path, path.removesuffix("/refused")):
            assert (await bob.get("workflow", hidden)).status == 404

    async def test_nothing_of_it_is_imported_when_a_line_is_refused(self, at: Desk, ada: Someone) -> None:
        refused = await send(ada, self.long + "fax,Bread.\n")
        assert (refused.status, [line["line"] for line in refused.body["lines"]]) == (422, [AT_ONCE + 2])
        dry = await send(ada, self.long + "fax,Bread.\n", dry_run="true")
        assert (dry.status, len(dry.body["lines"]), dry.body["refused"]) == (200, AT_ONCE + 2, 1)
        assert (await ada.get("workflow", "/api/v1/import")).body["items"] == []
        assert await self.count(at, ada) == 0

    async def test_a_part_that_is_done_again_imports_no_line_twice(self, at: Desk, ada: Someone) -> None:
        kit, import_id = at.kits["workflow"], new_id()
        rows = [{"platform": "x", "content": f"Dough {number}."} for number in range(LINES + 1)]
        tasks = parts(import_id, ada.user_id, rows)
        # Somebody imported the first lines, and crashed before noting it.
        early = await send(ada, self.head + "".join(f"x,{row['content']}\n" for row in rows[:5]))
        assert early.body["imported"] == 5
        command = RequestImport(import_id, ada.user_id, len(rows), len(tasks))
        await kit.handle(command, actor=ada.user_id, also=tasks)
        done = await self.over(ada, str(import_id))
        assert (done["imported"], done["refused"], await self.count(at, ada)) == (LINES + 1, 0, LINES + 1)
        await kit.handle(FinishPart(import_id, 1, 5), actor=None)
        assert (await ada.get("workflow", f"/api/v1/import/{import_id}")).body == done

    async def test_what_was_asked_under_one_key_is_one_import(self, ada: Someone) -> None:
        headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "text/csv", "Idempotency-Key": "spring"}
        url = ada.urls["workflow"] + "/api/v1/import"

        async def ask() -> tuple[int, str]:
            async with ada.http.post(url, data=self.long, headers=headers) as answer:
                return answer.status, (await answer.json())["id"]

        answers = {*await asyncio.gather(ask(), ask()), await ask()}
        assert len(answers) == 1
        assert answers.pop()[0] == 202

    async def test_an_import_of_somebody_who_is_gone_makes_nothing(self, at: Desk, ada: Someone) -> None:
        kit, import_id = at.kits["workflow"], new_id()
        await kit.handle(RequestImport(import_id, ada.user_id, 1, 1), actor=ada.user_id)
        await kit.handle(RemoveImport(import_id, "user_erased"), actor=None)
        (task,) = parts(import_id, ada.user_id, [{"platform": "x", "content": "Bread."}])
        await kit.handle(RequestImport(new_id(), ada.user_id, 1, 1), actor=ada.user_id, also=[task])

        async def struck() -> bool | None:
            left = "SELECT count(*) FROM tasks WHERE id = $1"
            return await kit.database.pool.fetchval(left, task.id) == 0 or None

        await until(struck)
        assert await self.count(at, ada) == 0


def test_files_are_read_in_their_encoding_and_with_their_delimiter() -> None:
    expected = [{"platform": "x", "content": "빵, 밤새"}]
    for text, charset, encoding in (
        ("platform;content\nx;빵, 밤새\n", None, "utf-8-sig"),
        ("Platform\tContent\nx\t빵, 밤새\n", None, "utf-16"),
        ('platform,content\nx,"빵, 밤새"\n', "euc-kr", "euc-kr"),
    ):
        assert read(text.encode(encoding), "text/csv", charset) == expected
    with pytest.raises(Invalid, match="UTF-8"):
        read(b"platform,content", "text/csv", "no-such-charset")
