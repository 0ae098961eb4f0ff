"""The whole platform on the bench: seven services in processes of their own, as `make up` starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.process import resident_mb
from deploy.embedded.stack import Stack
from deploy.kafka.runner import ApacheKafka
from tests.bench.ground import REPOSITORY, Failed, Ground

# Engine, judge and connector that answer at once: what is left is the platform.
INSTANT = {
    "generation": {"PRESSWORK_ENGINE": "instant"},
    "evaluation": {"PRESSWORK_JUDGE": "instant"},
    "publishing": {"PRESSWORK_CONNECTOR": "instant"},
}
OFFLINE = {"publishing": {"PRESSWORK_CONNECTOR": "instant"}}
_UNLIMITED = {
    f"PRESSWORK_LIMIT_{name}": "100000000/minute"
    for name in ("SIGNUP", "LOGIN", "REFRESH", "USER", "EXECUTIONS", "ANONYMOUS")
}


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform."""

    stack: Stack
    admin_dsn: str
    pids: dict[str, int]  # services, broker, postgres

    @property
    def gateway(self) -> str:
        return self.stack.urls["gateway"]

    def memory(self) -> dict[str, float]:
        """Resident MiB of each service now."""
        return {name: resident_mb(service.pid) for name, service in self.stack.services.items()}


@contextmanager
def platform(
    ground: Ground, broker: EmbeddedBroker | ApacheKafka, engine: Literal["instant", "offline"] = "instant"
) -> Iterator[Platform]:
    """Seven services on a database of their own. Limits of requests are as good as off."""
    admin_dsn = ground.database()
    env = dict(INSTANT if engine == "instant" else OFFLINE) | {"gateway": _UNLIMITED}
    folder = ground.folder / f"stack-{time.monotonic_ns()}"
    stack = Stack(folder, postgres=GivenPostgres(admin_dsn), broker=broker, env=env, supervise=False)
    try:
        stack.start()
        pids = {name: service.pid or 0 for name, service in stack.services.items()}
        pids |= {"broker": broker.pid or 0, "postgres": ground.postgres.pid or 0}
        yield Platform(stack, admin_dsn, pids)
    finally:
        stack.stop()


def start_again(folder: Path) -> float:
    """Seconds that `make up DETACH=1` takes where it has run before."""
    command = [sys.executable, "-m", "deploy.embedded"]
    environment = {**os.environ, "PRESSWORK_DATA_DIR": str(folder)}
    try:
        for _ in range(2):
            began = time.monotonic()
            done = subprocess.run(
                [*command, "up", "--port", "0", "--detach"],
                cwd=REPOSITORY,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            took = time.monotonic() - began
            if done.returncode:
                raise Failed(f"the platform did not start:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
            subprocess.run([*command, "down"], cwd=REPOSITORY, env=environment, capture_output=True, timeout=60)
    finally:
        EmbeddedPostgres(folder / "postgres").destroy()
    return took
