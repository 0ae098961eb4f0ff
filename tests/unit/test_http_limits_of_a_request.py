"""A request may neither be too large nor take too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from shared.http.app import create_app
from shared.http.deadline import HEADER, Deadline, DeadlineExceeded, RequestDeadline
from tests.unit.serving import serve, until

router = APIRouter()
cancelled: list[str] = []


@router.post("/small")
@router.post("/uploads/large")
async def receive(request: Request) -> int:
    return len(await request.body())


@router.post("/json")
async def receive_json(body: dict[str, str]) -> int:
    return len(body)


@router.get("/slow")
async def slow() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled.append("slow")
        raise


@router.get("/remaining")
async def remaining(deadline: RequestDeadline) -> float:
    return deadline.remaining()


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first "
        await asyncio.sleep(0.3)
        yield b"last"

    return StreamingResponse(pieces())


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    app = create_app(
        title="Limits",
        service="limits",
        routers=[router],
        max_body_bytes=1000,
        body_limits={"/uploads": 100_000},
        deadline_seconds=5,
    )
    async with serve(app) as url:
        async with aiohttp.ClientSession(url) as session:
            yield session


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
async def test_a_declared_body(http: aiohttp.ClientSession, size: int, status: int) -> None:
    answer = await http.post("/small", data=b"x" * size)
    assert answer.status == status


@pytest.mark.parametrize(("count", "status"), [(10, 200), (11, 413)])
async def test_a_streamed_body_is_counted(http: aiohttp.ClientSession, count: int, status: int) -> None:
    answer = await http.post("/small", data=chunks(count, 100))
    assert answer.status == status


async def test_a_streamed_body_that_fastapi_reads_is_counted(http: aiohttp.ClientSession) -> None:
    answer = await http.post("/json", data=chunks(20, 100), headers={"Content-Type": "application/json"})
    body = await answer.json(content_type="application/problem+json")
    assert (answer.status, body["max_bytes"]) == (413, 1000)


async def test_a_path_may_take_more(http: aiohttp.ClientSession) -> None:
    assert await (await http.post("/uploads/large", data=b"x" * 100_000)).json() == 100_000
    assert (await http.post("/uploads/large", data=b"x" * 100_001)).status == 413


async def test_work_is_given_up_when_nobody_waits_for_it_any_more(http: aiohttp.ClientSession) -> None:
    cancelled.clear()
    answer = await http.get("/slow", headers={HEADER: "50"})
    assert answer.status == 504
    assert (await answer.json(content_type="application/problem+json"))[
        "type"
    ] == "urn:presswork:problem:deadline-exceeded"
    await until(lambda: cancelled == ["slow"])


async def test_the_shorter_deadline_counts(http: aiohttp.ClientSession) -> None:
    assert 0 < await (await http.get("/remaining", headers={HEADER: "1000"})).json() <= 1
    assert 4 < await (await http.get("/remaining", headers={HEADER: "999999"})).json() <= 5


@pytest.mark.parametrize(("value", "status"), [("0", 504), ("-1", 400), ("soon", 400), ("9" * 40, 400)])
async def test_deadlines_that_have_passed_or_cannot_be_read(
    http: aiohttp.ClientSession, value: str, status: int
) -> None:
    assert (await http.get("/remaining", headers={HEADER: value})).status == status


async def test_an_answer_that_has_begun_may_last(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/stream", headers={HEADER: "100"})
    assert await answer.read() == b"first last"


def test_a_deadline_travels_as_what_remains() -> None:
    assert Deadline.never().header() is None
    assert 900 < int(Deadline.after(1).header() or 0) <= 1000
    with pytest.raises(DeadlineExceeded):
        Deadline.after(0).header()
