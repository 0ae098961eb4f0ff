"""JSON that no table and no event can hold is refused with what to do about it, and the rest comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from fastapi import APIRouter

from shared.http.app import create_app
from shared.http.storable import MAX_DEPTH
from tests.unit.serving import serve

router = APIRouter()
LARGEST = 2**63 - 1


@router.post("/kept")
async def keep(body: dict[str, Any]) -> str:
    """Writes it as rows and events are written."""
    return orjson.dumps(body).decode()


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with serve(create_app(title="Kept", service="kept", routers=[router])) as url:
        async with aiohttp.ClientSession(url) as session:
            yield session


async def send(http: aiohttp.ClientSession, body: str) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    async with http.post("/kept", data=body.encode(), headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """Lists or objects in an object, `depth` in all."""
    return '{"a":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"a": {LARGEST}}}',
        f'{{"a": {-LARGEST - 1}}}',
        '{"a": 0.12345678901234567890123}',
        '{"a": 1e300}',
        '{"a": "12345678901234567890123"}',
        '{"a": "\\ud83c\\udf31"}',
        nested(MAX_DEPTH),
        '{"a": "' + "[{" * 500 + '"}',
        '{"a": [' + ", ".join(["[]"] * 500) + "]}",
    ],
)
async def test_what_can_be_kept_comes_in(http: aiohttp.ClientSession, body: str) -> None:
    status, kept = await send(http, body)
    assert status == 200
    assert orjson.loads(kept) == orjson.loads(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f'{{"a": {LARGEST + 1}}}', "unstorable-number"),
        (f'{{"a": {-LARGEST - 2}}}', "unstorable-number"),
        ('{"a": {"b": [1, ' + "9" * 4000 + "]}}", "unstorable-number"),
        ('{"a": "\\u0000"}', "unstorable-text"),
        ('{"a\\u0000": 1}', "unstorable-text"),
        ('{"a": "\\ud83c"}', "unstorable-text"),
        (nested(MAX_DEPTH + 1), "nested-too-deeply"),
        (nested(300, '{"a":', "}"), "nested-too-deeply"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_what_to_do(
    http: aiohttp.ClientSession, body: str, kind: str
) -> None:
    status, problem = await send(http, body)
    assert (status, problem["type"]) == (422, f"urn:presswork:problem:{kind}")
    assert "send" in problem["detail"]


@pytest.mark.parametrize(
    "body", ['{"a": 12345678901234567890', nested(50_000), '{"a":' + "[" * 200, '{"a": ' + "9" * 5000 + "}"]
)
async def test_what_cannot_be_read_is_malformed(http: aiohttp.ClientSession, body: str) -> None:
    status, problem = await send(http, body)
    assert status in (400, 422)
    assert problem["type"].startswith("urn:presswork:problem:")
