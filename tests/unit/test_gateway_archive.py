"""The archive of an account: whole and in order, or not a zip file at all."""

from __future__ import annotations

import io
import json
import zipfile

import aiohttp
import pytest

from tests.unit.gateway_services import SERVICES, World, platform

PATH = "/api/v1/export/account.zip"


async def test_an_archive_holds_rows_of_each_service_and_stored_bytes_and_counts_them() -> None:
    world = World()
    async with platform(world) as http:
        answer = await http.get(PATH, headers=world.token())
        body = await answer.read()
    assert (answer.status, answer.content_type) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="presswork-')
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        rows = archive.read("media/notes.jsonl").decode().splitlines()
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read("media/contents/images/3.png") == b"bytes"
        assert str(world.owner) in archive.read("README.txt").decode()
    assert names == [
        "README.txt",
        *(f"{service}/{table}.jsonl" for service in SERVICES for table in ("notes", "nothing")),
        "media/contents/files/1-bread.txt",
        "media/contents/images/3.png",
        "manifest.json",
    ]
    assert json.loads(rows[0])["user_id"] == str(world.owner)
    assert manifest["rows"] == {service: {"notes": 2, "nothing": 0} for service in SERVICES}
    assert [each["name"] for each in manifest["contents"]] == [
        "media/contents/files/1-bread.txt",
        "media/contents/images/3.png",
    ]
    assert manifest["gone"] == ["media/contents/files/2-gone.txt"]


@pytest.mark.parametrize("down", SERVICES[1:])  # without auth nobody is known at all
async def test_while_a_service_is_down_there_is_no_archive(down: str) -> None:
    world = World()
    async with platform(world, down=(down,)) as http:
        answer = await http.get(PATH, headers=world.token())
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["service"]) == (503, down)
    assert "try again" in problem["detail"]


async def test_one_that_breaks_off_is_no_zip_file() -> None:
    world = World(breaking="publishing")
    async with platform(world) as http:
        answer = await http.get(PATH, headers=world.token())
        arrived = bytearray()
        broken = False
        try:
            async for chunk in answer.content.iter_any():
                arrived += chunk
        except aiohttp.ClientPayloadError:
            broken = True
    assert (answer.status, broken) == (200, True)
    assert not zipfile.is_zipfile(io.BytesIO(arrived))


async def test_it_leaves_as_it_is_made() -> None:
    world = World(holding="generation")
    async with platform(world) as http:
        answer = await http.get(PATH, headers=world.token())
        arrived = bytearray()
        # What the service has given is on its way while it still holds back the rest.
        while len(arrived) < 500_000:
            arrived += await answer.content.readany()
        assert not zipfile.is_zipfile(io.BytesIO(arrived))
        world.emit.set()
        arrived += await answer.read()
    with zipfile.ZipFile(io.BytesIO(arrived)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json"))["rows"]["generation"]["notes"] == 66


async def test_it_takes_a_token_and_is_made_so_often_at_most() -> None:
    world = World()
    async with platform(world, limit_archive="1/hour") as http:
        assert (await http.get(PATH)).status == 401
        assert [(await http.get(PATH, headers=world.token())).status for _ in range(2)] == [200, 429]
        assert (await http.get("/api/v1/export/posts.csv", headers=world.token())).status == 200
