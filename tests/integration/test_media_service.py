"""Media at work: files kept and read, refused, fetched, deleted; texts for other services; resources."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from alembic import command

from deploy.migrate import alembic_config, migrate
from services.media.app import service as media
from services.media.domain.resource import MAX_CONTENT_BYTES
from services.media.settings import MediaSettings
from services.workflow.app import service as workflow
from shared.runtime import build
from tests.integration.desk import Desk, Someone, desk, until
from tests.samples.documents import make
from tests.unit.serving import serve
from tests.waiting import eventually

MOST = 2_000_000
TIFF = b"II*\0" + bytes(40)


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes
    json: Any


@dataclass
class Client:
    """A user before media (and workflow)."""

    someone: Someone
    storage: Path
    base: str

    @property
    def user_id(self) -> UUID:
        return self.someone.user_id

    async def call(self, method: str, path: str, *, base: str | None = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.someone.token}", **options.pop("headers", {})}
        url = (base or self.base) + path
        async with self.someone.http.request(method, url, headers=headers, **options) as answer:
            body = await answer.read()
            is_json = "json" in answer.content_type
            return Answer(
                answer.status, answer.headers, body, await answer.json(content_type=None) if is_json else None
            )

    async def upload(self, data: bytes, name: str, *, key: str = "", kind: str = "", **fields: str) -> Answer:
        form = aiohttp.FormData(fields)
        form.add_field("file", data, filename=name, content_type=kind or "application/octet-stream")
        return await self.call("POST", "/api/v1/files", data=form, headers={"Idempotency-Key": key} if key else {})

    async def kept(self, data: bytes, name: str, **fields: str) -> str:
        """Upload what is accepted, and its id."""
        answer = await self.upload(data, name, **fields)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    async def read(self, file_id: str) -> Any:
        """The file as it is when its text was read or could not be."""

        async def settled() -> Any:
            answer = await self.call("GET", f"/api/v1/files/{file_id}?wait=20")
            assert answer.status == 200, answer.body
            return answer.json if answer.json["text_status"] != "pending" else None

        return await eventually(settled, within=90)

    def objects(self) -> list[str]:
        """What lies in storage for this user."""
        folder = self.storage / str(self.user_id)
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    async def project(self) -> str:
        made = await self.someone.post("workflow", "/api/v1/projects", {"title": "Bridges"})
        assert made.status == 201, made.body
        return str(made.body["id"])


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
async def platform(storage: Path) -> AsyncIterator[Desk]:
    async with desk(workflow, media, storage_url=storage.as_uri(), max_file_bytes=MOST) as running:
        yield running


@pytest.fixture
def ada(platform: Desk, storage: Path) -> Client:
    return Client(platform.someone(), storage, platform.urls["media"])


@pytest.fixture
def eve(platform: Desk, storage: Path) -> Client:
    return Client(platform.someone(), storage, platform.urls["media"])


@pytest.mark.parametrize("name", ["article.md", "article.txt", "article.html", "article.pdf", "article.docx"])
async def test_every_accepted_kind_is_kept_and_read(ada: Client, name: str) -> None:
    data = make.FILES[name]()
    file_id = await ada.kept(data, name)
    file = await ada.read(file_id)
    assert (file["text_status"], file["language"], file["error"]) == ("extracted", "en", None)
    assert (file["name"], file["size_bytes"]) == (name, len(data))
    text = (await ada.call("GET", f"/api/v1/files/{file_id}/text")).json
    assert make.SENTENCE in " ".join(text["text"].split())
    assert (text["title"], text["characters"]) == (file["title"], len(text["text"]))
    content = await ada.call("GET", f"/api/v1/files/{file_id}/content")
    assert content.body == data
    assert content.headers["Content-Type"] == file["mime_type"]
    assert content.headers["Content-Disposition"].startswith("attachment")
    suffix = name.partition(".")[2]
    assert ada.objects() == sorted([f"none/{file_id}.{suffix}", f"none/{file_id}.text.md"])


async def test_a_sound_file_is_kept_and_says_how_its_speech_would_be_read(ada: Client) -> None:
    data = (Path(__file__).parents[1] / "samples" / "speech.mp3").read_bytes()
    file_id = await ada.kept(data, "speech.mp3")
    file = await ada.read(file_id)
    assert (file["text_status"], file["mime_type"]) == ("failed", "audio/mpeg")
    assert "enables that with `make speech`" in file["error"]
    assert (await ada.call("GET", f"/api/v1/files/{file_id}/content")).body == data


async def test_the_bytes_decide_what_a_file_is(ada: Client) -> None:
    answer = await ada.upload(make.html(), "article.txt", kind="text/plain")
    assert (answer.status, answer.json["mime_type"]) == (201, "text/html")
    assert answer.headers["Location"] == f"/api/v1/files/{answer.json['id']}"


@pytest.mark.parametrize(
    ("data", "name", "kind", "status", "said"),
    [
        (TIFF, "picture.tif", "", 415, "image/tiff"),
        (TIFF, "picture.md", "", 415, "docx, gif, html, jpg, m4a, md, mkv, mov, mp3, mp4, pdf, png, txt, wav, webp"),
        (random.Random(3).randbytes(100), "noise", "", 415, "unknown kind"),
        (b"Just a sentence.", "report.pdf", "", 422, "no PDF"),
        (b"Just a sentence.", "report", "application/pdf", 422, "no PDF"),
        (make.plain(), "report.docx", "", 422, "no Word document"),
        (b"", "empty.md", "", 422, "empty"),
        (b" \n\0\t\n", "blank.txt", "", 422, "empty"),
        (b"a" * (MOST + 1), "long.txt", "", 413, f"{MOST:,} bytes"),
        (b"a" * 34_000_000, "longer.txt", "", 413, "bytes"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    ada: Client, data: bytes, name: str, kind: str, status: int, said: str
) -> None:
    answer = await ada.upload(data, name, kind=kind)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert said in answer.json["detail"]
    assert (await ada.call("GET", "/api/v1/files")).json["items"] == []
    assert ada.objects() == []


@pytest.mark.parametrize(
    ("name", "said"), [("none.pdf", "PDF"), ("encrypted.pdf", "password"), ("scanned.pdf", "text")]
)
async def test_a_file_that_cannot_be_read_says_why(ada: Client, name: str, said: str) -> None:
    file_id = await ada.kept(make.FILES[name](), name)
    file = await ada.read(file_id)
    assert file["text_status"] == "failed"
    assert said in file["error"]
    text = await ada.call("GET", f"/api/v1/files/{file_id}/text")
    assert (text.status, text.json["current"], text.json["detail"]) == (409, "failed", file["error"])


async def test_an_upload_repeated_under_its_key_is_the_same_file(ada: Client) -> None:
    first, again = [await ada.upload(make.markdown(), "a.md", key="one") for _ in range(2)]
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json["id"] == again.json["id"]
    other = await ada.upload(make.plain(), "a.md", key="one")
    assert (other.status, other.json["type"]) == (422, "urn:presswork:problem:idempotency-key-reused")
    assert len((await ada.call("GET", "/api/v1/files")).json["items"]) == 1


async def test_twins_under_one_key_make_one_file(ada: Client) -> None:
    answers = await asyncio.gather(*(ada.upload(make.markdown(), "a.md", key="twins") for _ in range(6)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1


async def test_a_deleted_file_is_gone_from_everywhere_and_its_key_does_not_bring_it_back(ada: Client) -> None:
    file_id = (await ada.upload(make.markdown(), "a.md", key="gone")).json["id"]
    await ada.read(file_id)
    assert len(ada.objects()) == 2
    assert (await ada.call("DELETE", f"/api/v1/files/{file_id}")).status == 204
    assert (await ada.call("GET", f"/api/v1/files/{file_id}")).status == 404
    assert (await ada.call("DELETE", f"/api/v1/files/{file_id}")).status == 204

    async def cleared() -> bool | None:
        return not ada.objects() or None

    await until(cleared)
    again = await ada.upload(make.markdown(), "a.md", key="gone")
    assert (again.status, again.json["current"]) == (409, "deleted")
    assert ada.objects() == []


async def test_a_file_deleted_while_it_is_read_leaves_no_work_but_the_last_sweep(ada: Client, platform: Desk) -> None:
    file_id = await ada.kept(make.pdf(pages=3), "article.pdf")
    assert (await ada.call("DELETE", f"/api/v1/files/{file_id}")).status == 204
    pool = platform.kits["media"].database.pool

    async def settled() -> list[Any] | None:
        left = await pool.fetch(
            "SELECT kind, due_at - now() AS after FROM tasks WHERE payload->>'file_id' = $1", file_id
        )
        return left if [row["kind"] for row in left] == ["remove"] else None

    (sweep,) = await until(settled)
    assert 500 < sweep["after"].total_seconds() <= 600


async def test_what_belongs_to_another_user_does_not_exist(ada: Client, eve: Client, platform: Desk) -> None:
    file_id = await ada.kept(make.markdown(), "a.md")
    await ada.read(file_id)
    for method, path in [("GET", ""), ("GET", "?wait=1"), ("GET", "/content"), ("GET", "/text"), ("DELETE", "")]:
        answer = await eve.call(method, f"/api/v1/files/{file_id}{path}")
        assert (answer.status, answer.json["type"]) == (404, "urn:presswork:problem:not-found")
    assert (await eve.call("GET", "/api/v1/files")).json["items"] == []
    assert (await ada.call("GET", f"/api/v1/files/{file_id}")).status == 200
    async with platform.kits["media"].database.reading(eve.user_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM files") == 0


async def test_files_are_listed_newest_first_page_by_page_and_by_project(ada: Client) -> None:
    project = await ada.project()
    inside = [await ada.kept(f"Text {number}".encode(), f"{number}.txt", project_id=project) for number in range(5)]
    outside = await ada.kept(b"Elsewhere", "e.txt")
    seen, cursor = [], ""
    while cursor is not None:
        params = {"limit": "2", "project_id": project} | ({"cursor": cursor} if cursor else {})
        page = (await ada.call("GET", "/api/v1/files", params=params)).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == inside[::-1]
    every = (await ada.call("GET", "/api/v1/files")).json["items"]
    assert [item["id"] for item in every] == [outside, *inside[::-1]]


async def test_a_file_is_put_into_own_projects_only(ada: Client, eve: Client) -> None:
    for project in (str(uuid4()), await eve.project()):
        answer = await ada.upload(make.markdown(), "a.md", project_id=project)
        assert (answer.status, ada.objects()) == (404, [])
        assert "project" in answer.json["detail"]


async def test_files_go_with_their_project(ada: Client) -> None:
    project = await ada.project()
    doomed = [await ada.kept(f"Text {number}".encode(), f"{number}.txt", project_id=project) for number in range(3)]
    spared = await ada.kept(b"Elsewhere", "e.txt")
    for file_id in (*doomed, spared):
        await ada.read(file_id)
    deleted = await ada.call("DELETE", f"/api/v1/projects/{project}", base=ada.someone.urls["workflow"])
    assert deleted.status == 204

    async def emptied() -> bool | None:
        items = (await ada.call("GET", "/api/v1/files")).json["items"]
        return (
            [item["id"] for item in items] == [spared] and not any(project in path for path in ada.objects())
        ) or None

    await until(emptied)
    assert len(ada.objects()) == 2


async def test_a_storage_that_fails_is_said_and_nothing_is_recorded(ada: Client, storage: Path) -> None:
    (storage / str(ada.user_id)).write_text("a file where the user's folder should be")
    answer = await ada.upload(make.markdown(), "a.md")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert (await ada.call("GET", "/api/v1/files")).json["items"] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1/article", "private network"),
        ("http://169.254.169.254/latest/meta-data", "private network"),
        ("http://[::1]/", "private network"),
        ("file:///etc/passwd", "http and https"),
        ("http://example.org:22/", "Port 22"),
        ("http://no-such-host.invalid/", "not known"),
        ("nonsense", "http and https"),
        ("https://ada:secret@example.org/", "user name"),
    ],
)
async def test_a_url_that_must_not_be_fetched_is_refused(ada: Client, url: str, said: str) -> None:
    answer = await ada.call("POST", "/api/v1/files/from-url", json={"url": url})
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert said in answer.json["detail"]
    assert ada.objects() == []


@dataclass
class Web:
    """A small web on loopback, which counts its visitors."""

    url: str
    visits: int = 0


@pytest.fixture
async def the_web() -> AsyncIterator[Web]:
    found = Web("")

    async def article(request: web.Request) -> web.Response:
        found.visits += 1
        body = "<html><head><title>다리</title></head><body><article>" + "<p>다리는 바람에 노래한다.</p>" * 20
        return web.Response(body=body.encode("euc-kr"), headers={"Content-Type": "text/html; charset=EUC-KR"})

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=TIFF, content_type="image/tiff")

    app = web.Application()
    app.add_routes([web.get("/articles/{name}", article), web.get("/picture", picture)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def open_door(platform: Desk) -> AsyncIterator[str]:
    """Media's HTTP in a process part of its own, which may fetch from loopback; the work is done elsewhere."""
    kept = platform.kits["media"].settings
    settings = MediaSettings(
        **kept.model_dump(exclude={"otlp_endpoint", "fetch_allow_private"}), fetch_allow_private=True
    )
    async with serve(build(media, settings, "http")) as url:
        yield url


async def test_a_page_on_the_web_becomes_a_file_and_is_read_by_whoever_works(
    ada: Client, the_web: Web, open_door: str
) -> None:
    asked: dict[str, Any] = {
        "base": open_door,
        "json": {"url": f"{the_web.url}/articles/bridge%20song"},
        "headers": {"Idempotency-Key": "page"},
    }
    first, again = [await ada.call("POST", "/api/v1/files/from-url", **asked) for _ in range(2)]
    assert (first.status, again.status, the_web.visits) == (201, 201, 1)
    assert first.json["id"] == again.json["id"]
    assert (first.json["name"], first.json["mime_type"]) == ("bridge song", "text/html; charset=euc-kr")
    file = (await ada.call("GET", f"/api/v1/files/{first.json['id']}?wait=20", base=open_door)).json
    assert (file["text_status"], file["title"], file["language"]) == ("extracted", "다리", "ko")


async def test_a_page_of_another_kind_or_that_is_missing_is_refused(ada: Client, the_web: Web, open_door: str) -> None:
    for path, status, said in [("/picture", 415, "image/tiff"), ("/nowhere", 422, "404")]:
        answer = await ada.call("POST", "/api/v1/files/from-url", base=open_door, json={"url": the_web.url + path})
        assert (answer.status, said in answer.json["detail"]) == (status, True)


async def test_a_text_of_another_service_is_kept_once_and_given_back_as_it_was(ada: Client, eve: Client) -> None:
    inside = {"X-Presswork-Internal-Token": "inside"}
    body = {"user_id": str(ada.user_id), "title": "Song", "text": "# Song\n\nA *bridge* sings, 다리도.\n"}

    async def keep(**changed: str) -> Any:
        answer = await ada.call("POST", "/internal/texts", json=body | changed, headers=inside)
        assert answer.status == 200, answer.body
        return answer.json

    first = await keep()
    assert first == await keep()
    assert first["characters"] == len(body["text"])
    file_id = first["file_id"]
    text = (await ada.call("GET", f"/internal/files/{file_id}/text", headers=inside)).json
    assert (text["text"], text["title"], text["language"], text["sha256"]) == (
        body["text"], "Song", "", first["sha256"]
    )  # fmt: skip
    assert (await ada.read(file_id))["text_status"] == "extracted"
    theirs = await keep(user_id=str(eve.user_id))
    assert theirs["file_id"] != file_id
    foreign = await ada.call("GET", f"/internal/files/{file_id}/text?user_id={eve.user_id}", headers=inside)
    assert foreign.status == 404

    assert (await ada.call("DELETE", f"/api/v1/files/{file_id}")).status == 204
    assert (await keep())["file_id"] != file_id


async def test_internal_addresses_are_closed_without_the_token(ada: Client) -> None:
    body = {"user_id": str(ada.user_id), "title": "", "text": "A text."}
    for wrong in ({}, {"X-Presswork-Internal-Token": "guess"}):
        assert (await ada.call("POST", "/internal/texts", json=body, headers=wrong)).status == 403
        assert (await ada.call("GET", f"/internal/files/{uuid4()}/text", headers=wrong)).status == 403


async def test_an_internal_reader_waits_for_a_text_that_is_being_read(ada: Client) -> None:
    file_id = await ada.kept(make.word(), "article.docx")
    text = await ada.call("GET", f"/internal/files/{file_id}/text", headers={"X-Presswork-Internal-Token": "inside"})
    assert (text.status, text.json["title"]) == (200, make.TITLE)


async def test_resources_are_added_listed_by_type_and_removed(ada: Client, eve: Client) -> None:
    bodies: list[dict[str, Any]] = [
        {"type": "style_sample", "content": "We ship.", "metadata": {"platform": "x"}},
        {"type": "reference", "content": "A" * MAX_CONTENT_BYTES},
    ]
    sample, reference = [(await ada.call("POST", "/api/v1/resources", json=body)).json for body in bodies]
    assert {name: sample[name] for name in bodies[0]} == bodies[0]
    listed = (await ada.call("GET", "/api/v1/resources")).json["items"]
    assert [item["id"] for item in listed] == [reference["id"], sample["id"]]
    only = (await ada.call("GET", "/api/v1/resources?type=style_sample")).json["items"]
    assert [item["id"] for item in only] == [sample["id"]]
    path = f"/api/v1/resources/{sample['id']}"
    assert [(await eve.call(method, path)).status for method in ("GET", "DELETE")] == [404, 404]
    assert (await ada.call("GET", path)).json == sample
    assert [(await ada.call("DELETE", path)).status for _ in range(2)] == [204, 204]
    assert (await ada.call("GET", path)).status == 404


async def test_a_file_or_a_page_becomes_a_sample_that_outlives_it(
    ada: Client, eve: Client, the_web: Web, open_door: str
) -> None:
    file_id = await ada.kept(make.word(), "article.docx")
    asked = {"type": "style_sample", "file_id": file_id, "metadata": {"platform": "blog"}}
    assert (await eve.call("POST", "/api/v1/resources", json=asked)).status == 404
    sample = await ada.call("POST", "/api/v1/resources", json=asked)
    assert sample.status == 201
    assert sample.json["metadata"] == {"title": make.TITLE, "file_id": str(file_id), "platform": "blog"}
    assert (await ada.call("DELETE", f"/api/v1/files/{file_id}")).status == 204
    assert (await ada.call("GET", f"/api/v1/resources/{sample.json['id']}")).json == sample.json

    page: dict[str, Any] = {
        "base": open_door,
        "json": {"type": "style_sample", "url": f"{the_web.url}/articles/bridge"},
        "headers": {"Idempotency-Key": "sample"},
    }
    first, again = [await ada.call("POST", "/api/v1/resources", **page) for _ in range(2)]
    assert (first.status, first.json, the_web.visits) == (201, again.json, 1)
    assert first.json["content"].startswith("# 다리\n\n다리는 바람에 노래한다.")
    assert first.json["metadata"] == {"title": "다리", "url": f"{the_web.url}/articles/bridge"}
    for wrong, status in (("/picture", 415), ("/nowhere", 422)):
        asked = page["json"] | {"url": the_web.url + wrong}
        refused = await ada.call("POST", "/api/v1/resources", base=open_door, json=asked)
        assert refused.status == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "style_sample"},
        {"type": "style_sample", "content": "Roses", "url": "https://example.org/"},
        {"type": "style_sample", "url": "http://127.0.0.1/"},
        {"type": "poem", "content": "Roses"},
        {"type": "reference", "content": ""},
        {"type": "reference", "content": " \n"},
        {"type": "reference", "content": "é" * MAX_CONTENT_BYTES},
        {"type": "reference", "content": "\\\n" * (MAX_CONTENT_BYTES // 2)},
        {"type": "reference", "content": "Roses", "metadata": {"much": "A" * 9000}},
        {"type": "reference", "content": "Roses", "metadata": {"big": 2**70}},
        {"content": "Roses"},
    ],
)
async def test_a_resource_that_makes_no_sense_is_refused(ada: Client, wrong: dict[str, Any]) -> None:
    answer = await ada.call("POST", "/api/v1/resources", json=wrong)
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert (await ada.call("GET", "/api/v1/resources")).json["items"] == []


async def test_the_tables_can_be_taken_back_and_made_again(platform: Desk) -> None:
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        await connection.execute("CREATE DATABASE aside")
    finally:
        await connection.close()
    dsn = platform.admin_dsn.rpartition("/")[0] + "/aside"
    await migrate(dsn, {})
    connection = await asyncpg.connect(dsn)
    try:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'media' AND tablename IN ('files', 'resources')"
        for move, there in ((command.downgrade, 0), (command.upgrade, 2)):
            await asyncio.to_thread(move, alembic_config(dsn, "media"), "0001" if there == 0 else "0002")
            assert await connection.fetchval(tables) == there
    finally:
        await connection.close()
