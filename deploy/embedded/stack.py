"""The whole platform on one machine: PostgreSQL, the broker, migrations, the services; and its end in reverse."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from deploy.embedded import blocking
from deploy.embedded.broker import BrokerFailed, EmbeddedBroker
from deploy.embedded.given import GivenBroker, GivenPostgres
from deploy.embedded.keys import Keys, signing_key_file
from deploy.embedded.ports import free_port, is_free
from deploy.embedded.postgres import EmbeddedPostgres, PostgresFailed
from deploy.embedded.service import ServiceProcess
from deploy.embedded.settings import StackSettings
from deploy.embedded.state import StackLock, StackState

REPOSITORY = Path(__file__).resolve().parents[2]
WITH_SCHEMA = ("auth", "workflow", "generation", "evaluation", "publishing", "media")
SERVICES = (*WITH_SCHEMA, "gateway")

Migrate = Callable[[str, dict[str, str]], Coroutine[Any, Any, dict[str, str]]]
_log = logging.getLogger(__name__)


class Tended(Protocol):
    """Something that is started again when it failed."""

    def tend(self) -> str | None:
        """Say what was done, None if all is well."""


class Postgres(Tended, Protocol):
    """A database server: our own or a given one."""

    @property
    def admin_dsn(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Broker(Tended, Protocol):
    """A Kafka broker: Tansu, Apache Kafka or a given one."""

    @property
    def url(self) -> str: ...
    @property
    def suits(self) -> Mapping[str, str]:
        """Environment of services that suits it, where it is not the default."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class StackFailed(RuntimeError):
    """The stack could not be started; the message says what to do or carries the end of a log."""


def python_module(service: str) -> list[str]:
    """The command of a service."""
    return [sys.executable, "-m", f"services.{service}"]


async def _migrate(admin_dsn: str, passwords: dict[str, str]) -> dict[str, str]:
    from deploy.migrate import migrate  # Alembic takes a moment to import: only where it is needed

    return await migrate(admin_dsn, passwords)


class Stack:
    """The embedded platform below `data_dir`.

    - `postgres`, `broker`: servers to use; by default those of PRESSWORK_POSTGRES_URL, PRESSWORK_KAFKA_URL, else own.
    - `services`: which to start; `env`: further environment per service, "*" for all.
    - `port`: of the gateway; 0 picks a free one.
    - `supervise`: start what crashed again (with growing pauses), and restart a broker past its memory limit.
    - `command`, `migrate`: how a service is started, how the schemas are made.
    - `say`: told each event worth a line.

    Methods block; they may be called from any thread. Raises AlreadyRunning if another stack holds the folder,
    StackFailed if it cannot start.
    """

    def __init__(
        self,
        data_dir: Path | str = ".data",
        *,
        postgres: Postgres | None = None,
        broker: Broker | None = None,
        services: Iterable[str] = SERVICES,
        env: Mapping[str, Mapping[str, str]] | None = None,
        port: int = 0,
        supervise: bool = True,
        command: Callable[[str], list[str]] = python_module,
        migrate: Migrate = _migrate,
        say: Callable[[str], None] = _log.info,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.services: dict[str, ServiceProcess] = {}
        self.dsns: dict[str, str] = {}
        self._names = tuple(services)
        self._given_postgres, self._given_broker = postgres, broker
        self._env = env or {}
        self._port = port
        self._supervise = supervise
        self._command = command
        self._migrate = migrate
        self._say = say
        self._lock = StackLock(self.data_dir)
        self._changing = threading.RLock()
        self._ending = threading.Event()
        self._supervisor: threading.Thread | None = None

    @property
    def urls(self) -> dict[str, str]:
        """Base address of each service, as http://127.0.0.1:port."""
        return {name: service.url for name, service in self.services.items()}

    @property
    def postgres(self) -> Postgres:
        if self._given_postgres is None:
            raise RuntimeError("the stack was not started yet")
        return self._given_postgres

    @property
    def broker(self) -> Broker:
        if self._given_broker is None:
            raise RuntimeError("the stack was not started yet")
        return self._given_broker

    def start(self, timeout: float = 90.0) -> None:
        """Start everything and wait until each service is ready; what was started is stopped again if that fails."""
        self.make_data_dir()
        self._lock.acquire()
        try:
            self._start(time.monotonic() + timeout)
        except (PostgresFailed, BrokerFailed) as error:
            self.stop()
            raise StackFailed(str(error)) from error
        except BaseException:  # also when it is interrupted
            self.stop()
            raise

    def stop(self, timeout: float = 15.0) -> None:
        """Services, then broker, then PostgreSQL: gently, by force after `timeout` seconds for the services."""
        self._ending.set()
        if self._supervisor:
            self._supervisor.join()
            self._supervisor = None
        with self._changing:
            for service in self.services.values():
                service.ask_to_stop()
            deadline = time.monotonic() + timeout
            for service in self.services.values():
                if not service.finish(max(0.0, deadline - time.monotonic())):
                    self._say(f"{service.name} did not stop in {timeout:g} s and was killed")
            if self._given_broker:
                self._given_broker.stop()
            if self._given_postgres:
                self._given_postgres.stop()
            self._lock.release()

    def start_service(self, name: str, timeout: float = 60.0) -> None:
        """Start a service that does not run, and wait until it is ready."""
        with self._changing:
            self.services[name].start()
        self._wait_until_ready([self.services[name]], time.monotonic() + timeout)

    def stop_service(self, name: str, timeout: float = 15.0) -> None:
        """Stop a service gently; it stays down until started."""
        with self._changing:
            self.services[name].ask_to_stop()
            self.services[name].finish(timeout)

    def restart_service(self, name: str, timeout: float = 60.0) -> None:
        """Stop a service gently (if it runs), start it and wait until it is ready."""
        self.stop_service(name)
        self.start_service(name, timeout)

    def kill_service(self, name: str, *, stay_down: bool = False) -> None:
        """SIGKILL a service. A supervised stack starts it again, unless it shall stay down."""
        with self._changing:
            if stay_down:
                self.services[name].wanted = False
            self.services[name].kill()

    def wait_until_ready(self, name: str, timeout: float = 60.0) -> None:
        """Wait until a service answers /readyz with 200, through crashes and restarts.

        Raises StackFailed after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self.services[name].is_ready():
            if time.monotonic() > deadline:
                raise StackFailed(f"{name} is not ready; the end of its log:\n{self.services[name].log_tail()}")
            time.sleep(0.02)

    def make_data_dir(self) -> None:
        """Make the data folder, closed to others, if it is missing."""
        if not self.data_dir.exists():
            self.data_dir.mkdir(parents=True)
            # As root the database runs as another user, who must be able to pass (not list) this folder of ours.
            self.data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _start(self, deadline: float) -> None:
        self._ending.clear()
        self._tell("PostgreSQL")
        settings = StackSettings()
        if self._given_postgres is None:
            self._given_postgres = (
                GivenPostgres(settings.postgres_url)
                if settings.postgres_url
                else EmbeddedPostgres(self.data_dir / "postgres")
            )
        if self._given_broker is None:
            self._given_broker = own_broker(self.data_dir, settings)
        began = time.monotonic()
        self._given_postgres.start()
        self._say(f"PostgreSQL is ready ({time.monotonic() - began:.1f} s)")

        self._tell("broker")
        began = time.monotonic()
        self._given_broker.start()
        self._say(f"the broker is ready on {self._given_broker.url} ({time.monotonic() - began:.1f} s)")

        self._tell("migrations")
        began = time.monotonic()
        keys = Keys.of(self.data_dir, WITH_SCHEMA)
        self.dsns = dict(blocking.run(self._migrate(self._given_postgres.admin_dsn, keys.passwords)))
        self._say(f"the schemas are up to date ({time.monotonic() - began:.1f} s)")

        self._tell("services")
        self.services = self._furnish(keys)
        for service in self.services.values():
            service.start()
        self._wait_until_ready(list(self.services.values()), deadline)
        if self._supervise:
            self._supervisor = threading.Thread(target=self._tend, name="supervisor", daemon=True)
            self._supervisor.start()
        self._tell("ready", ready=True)

    def _furnish(self, keys: Keys) -> dict[str, ServiceProcess]:
        if "gateway" in self._names and self._port and not is_free(self._port):
            raise StackFailed(
                f"port {self._port} is in use: choose another one, for example `make up PORT={self._port + 1}`"
            )
        # Addresses of services that are not started are given too: a caller then fails on a connection, not on a
        # setting.
        ports = {name: self._port or free_port() if name == "gateway" else free_port() for name in SERVICES}
        ports |= {name: free_port() for name in self._names if name not in ports}
        shared = {
            "PYTHONUNBUFFERED": "1",
            "PRESSWORK_HOST": "127.0.0.1",
            "PRESSWORK_DATA_DIR": str(self.data_dir),
            "PRESSWORK_TRACES_DIR": str(self.data_dir / "traces"),
            "PRESSWORK_KAFKA_URL": self.broker.url,
            "PRESSWORK_INTERNAL_TOKEN": keys.internal_token,
            "PRESSWORK_FIELD_KEYS": ",".join(keys.field_keys),
            "PRESSWORK_LOG_FORMAT": "json",
            "PRESSWORK_BLOG_URL": f"http://127.0.0.1:{ports['gateway']}/blog",
        } | {f"PRESSWORK_{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}" for name in WITH_SCHEMA}
        if isinstance(self.broker, EmbeddedBroker):
            shared["PRESSWORK_KAFKA_SESSION_MS"] = str(EmbeddedBroker.SESSION_MS)
        inherited = {
            k: v for k, v in os.environ.items() if k != "PRESSWORK_POSTGRES_URL"
        }  # no service needs the administrator
        found = {}
        for name in self._names:
            env = dict(self.broker.suits) | inherited | shared | {"PRESSWORK_PORT": str(ports[name])}
            env["PRESSWORK_DATABASE_URL"] = self.dsns.get(name, "")
            if name == "auth":
                env["PRESSWORK_SIGNING_KEY_FILE"] = str(signing_key_file(self.data_dir))
            env |= dict(self._env.get("*", {})) | dict(self._env.get(name, {}))
            found[name] = ServiceProcess(
                name,
                self._command(name),
                ports[name],
                env=env,
                cwd=REPOSITORY,
                log=self.data_dir / "logs" / f"{name}.log",
            )
        return found

    def _wait_until_ready(self, services: list[ServiceProcess], deadline: float) -> None:
        began = time.monotonic()
        waiting = list(services)
        while waiting:
            for service in list(waiting):
                if service.is_ready():
                    waiting.remove(service)
                    self._say(f"{service.name} is ready on {service.url} ({time.monotonic() - began:.1f} s)")
                elif not service.running:
                    raise StackFailed(f"{service.name} ended (exit {service.exit_code}):\n{service.log_tail()}")
            if time.monotonic() > deadline and waiting:
                raise StackFailed(f"{waiting[0].name} is not ready; the end of its log:\n{waiting[0].log_tail()}")
            time.sleep(0.02)

    def _tend(self) -> None:
        while not self._ending.wait(0.25):
            with self._changing:
                parts: tuple[Tended, ...] = (self.postgres, self.broker, *self.services.values())
                for part in parts:
                    try:
                        said = part.tend()
                    except (PostgresFailed, BrokerFailed, OSError) as error:
                        said = f"still down: {error}"
                    if said:
                        self._say(said)

    def _tell(self, stage: str, *, ready: bool = False) -> None:
        self._lock.tell(
            StackState(
                pid=os.getpid(),
                stage=stage,
                ready=ready,
                address=self.urls.get("gateway", ""),
                urls=self.urls,
                dsns=self.dsns,
                admin_dsn=self._given_postgres.admin_dsn if ready and self._given_postgres else "",
                kafka_url=self._given_broker.url if ready and self._given_broker else "",
            )
        )


def own_broker(data_dir: Path, settings: StackSettings) -> Broker:
    """The broker the settings ask for."""
    if settings.kafka_url:
        return GivenBroker(settings.kafka_url)
    if settings.broker == "kafka":
        from deploy.kafka.runner import ApacheKafka

        return ApacheKafka(data_dir / "kafka")
    return EmbeddedBroker(log=data_dir / "logs" / "broker.log", memory_limit_mb=settings.broker_memory_mb)
