"""What everything is measured on: one PostgreSQL, either broker, and processes that end when they should."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.kafka.runner import ApacheKafka
from deploy.migrate import migrate

REPOSITORY = Path(__file__).resolve().parents[2]


class Failed(RuntimeError):
    """A measurement could not be made; the text says why."""


class Ground:
    """One PostgreSQL server with its everyday settings, and a database of its own for each measurement."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self._databases = 0

    def database(self) -> str:
        """The administrator's DSN of a new, empty database."""
        self._databases += 1
        name = f"bench_{self._databases}"

        async def create() -> None:
            connection = await asyncpg.connect(self.postgres.admin_dsn)
            try:
                await connection.execute(f"CREATE DATABASE {name}")
            finally:
                await connection.close()

        asyncio.run(create())
        return self.postgres.admin_dsn.rpartition("/")[0] + f"/{name}"

    def drop(self, admin_dsn: str) -> None:
        """Remove a database that `database` made."""

        async def drop() -> None:
            connection = await asyncpg.connect(self.postgres.admin_dsn)
            try:
                await connection.execute(f"DROP DATABASE {admin_dsn.rpartition('/')[2]} WITH (FORCE)")
            finally:
                await connection.close()

        asyncio.run(drop())

    def schemas(self, *services: str) -> dict[str, str]:
        """Service → DSN of its role in a new, migrated database."""
        return self.migrated(self.database(), *services)

    def migrated(self, admin_dsn: str, *services: str) -> dict[str, str]:
        """The same in a database that is there."""
        return asyncio.run(migrate(admin_dsn, {name: secrets.token_hex(12) for name in services}))

    def brokers(self) -> Iterator[tuple[str, EmbeddedBroker | ApacheKafka]]:
        """(name, running broker) one after the other; Apache Kafka only where Java and Maven are there."""
        with self.tansu() as broker:
            yield "Tansu", broker
        if ApacheKafka.available() is None:
            kafka = ApacheKafka(self.folder / f"kafka-{secrets.token_hex(3)}")
            try:
                kafka.start()
                yield "Apache Kafka", kafka
            finally:
                kafka.stop()

    @contextmanager
    def tansu(self) -> Iterator[EmbeddedBroker]:
        """An empty Tansu broker."""
        broker = EmbeddedBroker(log=self.folder / "broker.log", memory_limit_mb=2048)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


@contextmanager
def ground() -> Iterator[Ground]:
    """A ground that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="presswork-bench-"))
    found = Ground(folder)
    try:
        found.postgres.start()
        yield found
    finally:
        found.postgres.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def work(module: str, *, within: float = 120, **arguments: Any) -> dict[str, Any]:
    """Run `tests.bench.work.<module>` in a process of its own with keyword arguments as JSON; its last line is JSON."""
    return run([sys.executable, "-m", f"tests.bench.work.{module}", json.dumps(arguments)], within)


def run(command: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object on the last line that a command prints. Raises Failed when it does not come in time."""
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{_name(command)} did not finish in {seconds:.0f} s") from late
    if done.returncode:
        raise Failed(f"{_name(command)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _name(command: list[str]) -> str:
    return command[2] if command[1] == "-m" else Path(command[1]).name


def machine() -> str:
    """Cores and memory, and nothing else."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB of memory"


def busy() -> float:
    """Share of all cores that others use now, seen for half a second."""

    def idle() -> tuple[float, float]:
        fields = [float(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return fields[3] + fields[4], sum(fields)

    before = idle()
    time.sleep(0.5)
    after = idle()
    return 1 - (after[0] - before[0]) / max(1.0, after[1] - before[1])
