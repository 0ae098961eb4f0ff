"""The whole platform, once on each broker, with the sandbox in the platforms' place."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenBroker
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.stack import Stack
from deploy.kafka.runner import ApacheKafka
from tests.conftest import absent
from tests.sandbox import server as sandbox
from tests.sandbox.client import SandboxClient
from tests.servers.bluesky import BlueskyServer
from tests.servers.ghost import GhostServer

GENEROUS = {
    "PRESSWORK_LIMIT_SIGNUP": "10000/minute",
    "PRESSWORK_LIMIT_LOGIN": "10000/minute",
    "PRESSWORK_LIMIT_REFRESH": "10000/minute",
    "PRESSWORK_LIMIT_USER": "1000000/minute",
    "PRESSWORK_LIMIT_APPROVAL": "100000/minute",
    "PRESSWORK_LIMIT_ANONYMOUS": "100000/minute",
}


@dataclass(frozen=True)
class Platform:
    """A running platform: its processes, its gateway, and what stands in for X and LinkedIn."""

    stack: Stack
    gateway: str
    sandbox: SandboxClient
    traces: Path


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> ApacheKafka:
    if reason := ApacheKafka.available():
        absent(reason)
    return ApacheKafka(tmp_path_factory.mktemp("kafka"))


@pytest_asyncio.fixture(scope="session")
async def ghost(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GhostServer]:
    """A real Ghost, the same for both brokers."""
    if reason := GhostServer.available():
        absent(reason)
    server = GhostServer(tmp_path_factory.mktemp("ghost"))
    await asyncio.to_thread(server.start)
    try:
        await server.open()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def bluesky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueskyServer]:
    """A real Bluesky server, the same for both brokers."""
    if reason := BlueskyServer.available():
        absent(reason)
    server = BlueskyServer(tmp_path_factory.mktemp("bluesky"))
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture(scope="session", params=["tansu", "kafka"])
async def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """Everything up and ready, on Tansu and then on Apache Kafka."""
    data_dir = tmp_path_factory.mktemp(f"stack-{request.param}")
    broker: EmbeddedBroker | ApacheKafka | GivenBroker
    if given := os.environ.get("PRESSWORK_KAFKA_URL"):
        if request.param == "kafka":
            pytest.skip("the given broker was tried already")
        broker = GivenBroker(given)
    elif request.param == "kafka":
        broker = request.getfixturevalue("kafka")
    else:
        broker = EmbeddedBroker(log=data_dir / "broker.log")
    async with sandbox.running() as platforms:
        stack = Stack(
            data_dir,
            broker=broker,
            env={
                "gateway": GENEROUS,
                "publishing": {
                    "PRESSWORK_X_URL": platforms,
                    "PRESSWORK_LINKEDIN_URL": platforms,
                    "PRESSWORK_FEDIVERSE_ALLOW_PRIVATE": "true",  # for Ghost and Bluesky on loopback
                    # Nobody looks for a lost post before its call must have ended: soon, here.
                    "PRESSWORK_PUBLISH_TIMEOUT": "8",
                    "PRESSWORK_PLATFORM_TIMEOUT": "8",
                },
            },
        )
        try:
            await asyncio.to_thread(stack.start, 300)
            yield Platform(stack, stack.urls["gateway"], SandboxClient(platforms), data_dir / "traces")
        finally:
            await asyncio.to_thread(stack.stop)
            await asyncio.to_thread(broker.stop)
            EmbeddedPostgres(data_dir / "postgres").destroy()
            shutil.rmtree(data_dir, ignore_errors=True)
