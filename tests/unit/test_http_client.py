"""Calls between services: what travels, what is tried again, and what a failure is called."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, Request
from multidict import CIMultiDict

from shared.http import client as client_module
from shared.http.app import create_app
from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import Deadline, DeadlineExceeded
from tests.unit.serving import serve, unused_port

router = APIRouter()


@router.api_route("/{path:path}", methods=["GET", "POST"])
async def tell(path: str, request: Request) -> dict[str, object]:
    if path == "slow":
        await asyncio.Event().wait()
    body = await request.body()
    return {"headers": dict(request.headers), "query": str(request.query_params), "body": body.decode()}


@pytest.fixture(scope="module")
async def services() -> AsyncIterator[ServiceClient]:
    async with serve(create_app(title="Far", service="far", routers=[router])) as url:
        async with ServiceClient({"far": url, "gone": f"http://127.0.0.1:{unused_port()}"}, "secret") as client:
            yield client


async def test_body_parameters_and_deadline_travel(services: ServiceClient) -> None:
    answer = await services.request(
        "far", "POST", "/things", json={"a": 1}, params={"q": "é &"}, deadline=Deadline.after(5)
    )
    told = answer.json()
    assert (answer.status, told["body"], told["query"]) == (200, '{"a":1}', "q=%C3%A9+%26")
    assert told["headers"]["content-type"] == "application/json"
    assert 4000 < int(told["headers"]["x-presswork-deadline-ms"]) <= 5000


async def test_only_internal_paths_are_shown_the_secret(services: ServiceClient) -> None:
    token = "x-presswork-internal-token"
    inside = (await services.request("far", "GET", "/internal/x", deadline=Deadline.after(5))).json()
    outside = (await services.request("far", "GET", "/api/v1/internal/x", deadline=Deadline.after(5))).json()
    assert inside["headers"][token] == "secret"
    assert token not in outside["headers"]


async def test_an_error_status_is_an_answer(services: ServiceClient) -> None:
    answer = await services.request("far", "DELETE", "/things", deadline=Deadline.after(5))
    assert answer.status == 405


async def test_no_answer_in_time_is_504(services: ServiceClient) -> None:
    with pytest.raises(DeadlineExceeded):
        await services.request("far", "GET", "/slow", deadline=Deadline.after(0.1))


async def test_a_deadline_that_has_passed_sends_nothing(services: ServiceClient) -> None:
    with pytest.raises(DeadlineExceeded):
        await services.request("far", "GET", "/x", deadline=Deadline.after(-1))


async def test_only_a_read_is_tried_again_when_nobody_listens(
    services: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_RETRY_PAUSE", 1.0)
    took = {}
    for method in ("GET", "POST"):
        began = time.monotonic()
        with pytest.raises(Upstream) as refused:
            await services.request("gone", method, "/x", deadline=Deadline.after(10))
        took[method] = time.monotonic() - began
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    assert took["POST"] < 1.0 <= took["GET"]


async def test_a_streamed_answer_is_read_piece_by_piece(services: ServiceClient) -> None:
    async with services.stream("far", "GET", "/x?a=%2F", headers=CIMultiDict(), deadline=Deadline.never()) as answer:
        body = b"".join([piece async for piece in answer.content.iter_any()])
    assert b'"query":"a=%2F"' in body
