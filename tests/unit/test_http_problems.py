"""Whatever goes wrong, the client gets one shape that says what to do next."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated

import aiohttp
import pytest
from fastapi import APIRouter, Form
from pydantic import BaseModel

from shared.decider import Conflict, Forbidden, Invalid, NotFound
from shared.http.app import create_app
from tests.unit.serving import serve

router = APIRouter()


class NotReviewable(Conflict):
    """The draft is final."""


class Thing(BaseModel):
    name: str
    sizes: list[int] = []


@router.post("/things")
async def add_thing(thing: Thing) -> Thing:
    return thing


@router.post("/forms")
async def add_form(name: Annotated[str, Form()]) -> str:
    return name


@router.get("/refused/{how}")
async def refuse(how: str, limit: int = 1) -> None:
    match how:
        case "missing":
            raise NotFound("There is no such workflow; look at your list.")
        case "conflict":
            raise NotReviewable("Start a new round.", current="accepted", status="accepted")
        case "invalid":
            raise Invalid("Name a platform.")
        case "forbidden":
            raise Forbidden("Ask the owner.")
    raise RuntimeError("the secret is 12345")


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with serve(create_app(title="Things", service="things", routers=[router])) as url:
        async with aiohttp.ClientSession(url) as session:
            yield session


async def problem(answer: aiohttp.ClientResponse) -> dict[str, object]:
    assert answer.content_type == "application/problem+json"
    body = await answer.json(content_type="application/problem+json")
    assert body["status"] == answer.status
    assert body["type"].startswith("urn:presswork:problem:")
    assert body["detail"].endswith(".")
    assert body["title"]
    found: dict[str, object] = body
    return found


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ("missing", 404, "not-found"),
        ("conflict", 409, "not-reviewable"),
        ("invalid", 422, "invalid"),
        ("forbidden", 403, "forbidden"),
    ],
)
async def test_a_refusal_of_the_domain_keeps_its_words(
    http: aiohttp.ClientSession, how: str, status: int, kind: str
) -> None:
    answer = await http.get(f"/refused/{how}")
    body = await problem(answer)
    assert answer.status == status
    assert body["type"] == f"urn:presswork:problem:{kind}"
    assert body["instance"] == f"/refused/{how}"


async def test_a_conflict_tells_the_current_state_and_cannot_overwrite_the_status(http: aiohttp.ClientSession) -> None:
    body = await problem(await http.get("/refused/conflict"))
    assert (body["current"], body["status"]) == ("accepted", 409)


async def test_an_unexpected_error_tells_nothing_but_is_logged_with_its_trace(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with caplog.at_level(logging.ERROR, logger="shared.http.errors"):
        answer = await http.get("/refused/crash", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    body = await problem(answer)
    assert answer.status == 500
    assert "12345" not in await answer.text()
    assert body["trace_id"] == trace
    logged = [record for record in caplog.records if record.name == "shared.http.errors"]
    assert [record.__dict__["trace_id"] for record in logged] == [trace]
    assert "12345" in str(logged[0].exc_info)


async def test_fields_that_are_wrong_are_pointed_at(http: aiohttp.ClientSession) -> None:
    answer = await http.post("/things", json={"sizes": [1, "x"]})
    body = await problem(answer)
    assert answer.status == 422
    assert [error["pointer"] for error in body["errors"]] == ["#/name", "#/sizes/1"]  # type: ignore[attr-defined]


async def test_a_wrong_parameter_is_pointed_at(http: aiohttp.ClientSession) -> None:
    body = await problem(await http.get("/refused/missing", params={"limit": "x"}))
    assert [error["pointer"] for error in body["errors"]] == ["query/limit"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"name": ', "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "x"}', "application/merge-patch+json", 200),
        (b'{"name": "\\ud800"}', "application/json", 422),
        (b'{"\\ud800": "x"}', "application/json", 422),
        (b'{"name": "a\\u0000b"}', "application/json", 422),
        (b'{"name": "\\ud83d\\ude00 and \\\\u0000"}', "application/json", 200),
        (b"[" * 100_000, "application/json", 400),
        (b"", "application/json", 422),
    ],
)
async def test_bodies_that_cannot_be_read(
    http: aiohttp.ClientSession, body: bytes, media_type: str, status: int
) -> None:
    answer = await http.post("/things", data=body, headers={"Content-Type": media_type})
    assert answer.status == status
    if status != 200:
        await problem(answer)


async def test_a_form_route_refuses_json(http: aiohttp.ClientSession) -> None:
    answer = await http.post("/forms", json={"name": "x"})
    assert answer.status == 415
    await problem(answer)


async def test_an_unknown_path_and_a_wrong_method(http: aiohttp.ClientSession) -> None:
    nowhere, wrong = await http.get("/nowhere"), await http.delete("/things")
    assert (nowhere.status, wrong.status) == (404, 405)
    assert wrong.headers["Allow"] == "POST"
    await problem(nowhere)
    await problem(wrong)


async def test_every_problem_is_documented(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()
    post = document["paths"]["/things"]["post"]["responses"]
    assert {"400", "413", "415", "422", "500", "503", "504"} <= post.keys()
    reference = post["422"]["content"]["application/problem+json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/Problem"
    assert document["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail", "instance"]


async def test_metrics_count_what_was_asked(http: aiohttp.ClientSession) -> None:
    await http.get("/refused/missing")
    figures = await (await http.get("/metrics")).text()
    assert 'presswork_http_request_duration_seconds_count{method="GET",route="/refused/{how}",status="404"}' in figures
