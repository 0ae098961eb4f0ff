"""Live progress: passed on at once, kept alive, and ended on both sides when one leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from tests.unit.gateway_services import World, platform
from tests.unit.serving import until


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with platform(world, heartbeat_seconds=0.1) as session:
        yield session


@pytest.fixture
def path(world: World) -> str:
    world.emit.clear()
    return f"/api/v1/workflows/{world.workflow_id}/events"


async def reads(answer: aiohttp.ClientResponse, wanted: bytes) -> bytes:
    """What came until `wanted` was seen."""
    seen = b""
    async with asyncio.timeout(30):
        while wanted not in seen:
            seen += await answer.content.readany()
    return seen


async def test_events_arrive_while_the_stream_is_open_with_heartbeats_between(
    http: aiohttp.ClientSession, world: World, path: str
) -> None:
    async with http.get(path, headers={**world.token(), "Last-Event-ID": "41"}) as answer:
        assert answer.content_type == "text/event-stream"
        assert (await reads(answer, b"one\n\n")).startswith(b"id: 42\n")
        await reads(answer, b": keep-alive\n\n")
        world.emit.set()
        assert b"data: half of an event\n\n" in await reads(answer, b"event\n\n")


async def test_a_client_that_leaves_ends_the_stream_of_the_service(
    http: aiohttp.ClientSession, world: World, path: str
) -> None:
    answer = await http.get(path, headers=world.token())
    await reads(answer, b"one\n\n")
    await until(lambda: world.streams_open == 1)
    answer.close()
    await until(lambda: world.streams_open == 0)


async def test_a_stream_ends_with_its_token(http: aiohttp.ClientSession, world: World, path: str) -> None:
    answer = await http.get(path, headers=world.token(lifetime=timedelta(seconds=2)))
    async with asyncio.timeout(30):
        assert b"data: one\n\n" in await answer.read()
    await until(lambda: world.streams_open == 0)


async def test_a_stream_needs_the_header(http: aiohttp.ClientSession, world: World, path: str) -> None:
    token = world.token()["Authorization"].removeprefix("Bearer ")
    assert (await http.get(path, params={"access_token": token})).status == 401
