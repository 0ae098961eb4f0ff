"""A published post is published once, also when publishing is killed between the call and its recording."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from services.publishing.app import service
from services.publishing.domain.connections import AddConnection
from services.publishing.settings import PublishingSettings
from shared.ids import new_id
from shared.kit import Kit
from tests.databases import migrated
from tests.integration.desk import until
from tests.integration.publishing_desk import schedule_by_hand
from tests.sandbox.client import SandboxClient
from tests.sandbox.server import running
from tests.unit.serving import unused_port

CALL = 2  # seconds a publication may take


@dataclass
class Shop:
    """A database with publishing's tables, and worker processes that come and go."""

    kit: Kit
    sandbox: SandboxClient
    environment: dict[str, str]

    async def worker(self) -> asyncio.subprocess.Process:
        """A new worker process."""
        arguments = ("-m", "services.publishing", "--role", "worker")
        environment = {**os.environ, **self.environment, "PRESSWORK_PORT": str(unused_port())}
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment)

    async def job(self, platform: str) -> UUID:
        """A due job of a user with an account."""
        user_id = new_id()
        token = self.kit.store.cipher.encrypt(f"sandbox-{user_id.hex[-12:]}".encode()).decode()
        base = self.sandbox.base_url
        await self.kit.handle(
            AddConnection(new_id(), user_id, "Mine", platform, base, None, True, {}, token), actor=user_id
        )
        _, job_id = await schedule_by_hand(self.kit, user_id, platform, datetime.now(UTC))
        return job_id

    async def ended(self, job_id: UUID) -> tuple[str, str | None]:
        """(status, error class) as soon as the job has come to an end."""
        statement = "SELECT status, error_class FROM publishing_jobs WHERE id = $1"

        async def look() -> tuple[str, str | None] | None:
            row = await self.kit.database.pool.fetchrow(statement, job_id)
            return tuple(row) if row["status"] in ("published", "failed") else None

        return await until(look)


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    async with migrated(folder / "postgres", "publishing") as (_, dsns), running() as url:
        known = {
            "database_url": dsns["publishing"],
            "field_keys": Fernet.generate_key().decode(),
            "x_url": url,
            "linkedin_url": url,
            "data_dir": str(folder),
            "publish_timeout": str(CALL),
            "platform_timeout": "30",
            "publish_pause": "0.2",
        }
        kit = Kit(service, PublishingSettings(**known))  # type: ignore[arg-type]
        await kit.database.open()
        yield Shop(kit, SandboxClient(url), {f"PRESSWORK_{name.upper()}": value for name, value in known.items()})
        await kit.database.close()


@pytest.mark.parametrize(
    ("platform", "outcome"), [("x", ("published", None)), ("linkedin", ("failed", "outcome_unknown"))]
)
async def test_killed_between_the_call_and_its_recording(
    shop: Shop, platform: str, outcome: tuple[str, str | None]
) -> None:
    await shop.sandbox.reset()
    await shop.sandbox.fault(platform, "timeout_after_accept")
    job_id = await shop.job(platform)
    first = await shop.worker()
    try:
        await until(lambda: accepted(shop, platform))
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()
    # The lease would run out by itself; nobody waits for it here.
    assert (
        await shop.kit.database.pool.execute("UPDATE tasks SET leased_until = now() WHERE attempts = 1") == "UPDATE 1"
    )
    second = await shop.worker()
    try:
        assert await shop.ended(job_id) == outcome
    finally:
        second.send_signal(signal.SIGTERM)
        await second.wait()
    assert len(await shop.sandbox.accepted(platform)) == 1
    # How a post does is measured later, and what recurs is always there.
    left = await shop.kit.database.pool.fetch("SELECT kind FROM tasks")
    assert {row["kind"] for row in left} <= {"retention", "sweep_jobs", "measure"}


async def accepted(shop: Shop, platform: str) -> bool | None:
    return bool(await shop.sandbox.accepted(platform)) or None
