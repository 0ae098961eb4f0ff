"""The supervisor: everything up in order, one stack a folder, crashes answered, no orphan whatever ends it."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.stack import REPOSITORY, Stack, StackFailed
from deploy.embedded.state import AlreadyRunning, StackLock, StackState

# A service as the supervisor sees one: it is told its port, answers /readyz, shows what it was given.
SERVICE = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/environment":
            self.wfile.write(json.dumps(dict(os.environ)).encode())
    def log_message(self, *_): ...
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PRESSWORK_PORT"])), Handler).serve_forever()
"""


def small_service(name: str) -> list[str]:
    return [sys.executable, "-c", SERVICE]


def broken_service(name: str) -> list[str]:
    return (
        [sys.executable, "-c", "raise SystemExit('the engine is missing')"] if name == "media" else small_service(name)
    )


async def one_role_each(admin_dsn: str, passwords: dict[str, str]) -> dict[str, str]:
    """Stands for the migrations.

    It reaches the server as the administrator and gives each service a connection string.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        assert await connection.fetchval("SELECT 1") == 1
    finally:
        await connection.close()
    return {name: f"postgresql://{name}:{password}@somewhere/postgres" for name, password in passwords.items()}


def stack_below(data_dir: Path, **options: object) -> Stack:
    chosen = {"services": ("auth", "gateway"), "command": small_service, "migrate": one_role_each} | options
    return Stack(data_dir, **chosen)  # type: ignore[arg-type]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    EmbeddedPostgres(tmp_path / "data" / "postgres").destroy()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stack(data_dir: Path, said: list[str]) -> Iterator[Stack]:
    stack = stack_below(data_dir, say=said.append, env={"*": {"COLOUR": "green"}, "auth": {"SIZE": "small"}})
    stack.start()
    yield stack
    stack.stop()


def eventually(holds: Callable[[], bool], timeout: float = 45.0) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def environment_of(stack: Stack, service: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{stack.urls[service]}/environment") as answer:
        found: dict[str, str] = json.load(answer)
        return found


def test_each_service_is_told_where_everything_is_and_only_what_it_needs(stack: Stack) -> None:
    auth, gateway = environment_of(stack, "auth"), environment_of(stack, "gateway")
    assert auth["PRESSWORK_DATABASE_URL"] == stack.dsns["auth"]
    assert gateway["PRESSWORK_DATABASE_URL"] == ""
    assert gateway["PRESSWORK_AUTH_URL"] == stack.urls["auth"]
    assert auth["PRESSWORK_KAFKA_URL"] == stack.broker.url
    assert auth["PRESSWORK_INTERNAL_TOKEN"] == gateway["PRESSWORK_INTERNAL_TOKEN"] != ""
    assert "PRESSWORK_SIGNING_KEY_FILE" in auth
    assert "PRESSWORK_SIGNING_KEY_FILE" not in gateway
    assert (auth["COLOUR"], auth["SIZE"], gateway["COLOUR"]) == ("green", "small", "green")
    assert "SIZE" not in gateway
    assert "PRESSWORK_POSTGRES_URL" not in auth


def test_secrets_are_readable_by_their_owner_only(stack: Stack) -> None:
    for name in ("keys.json", "signing_key.pem", "stack.json", "postgres/password"):
        assert stat.S_IMODE((stack.data_dir / name).stat().st_mode) == 0o600, name


def test_a_crashed_service_is_started_again_and_said_so(stack: Stack, said: list[str]) -> None:
    killed = stack.services["auth"].pid
    stack.kill_service("auth")
    eventually(lambda: stack.services["auth"].pid != killed and stack.services["auth"].is_ready())
    assert any(line.startswith("auth ended (exit -9)") for line in said)


def test_a_service_that_shall_stay_down_does(stack: Stack) -> None:
    auth = stack.services["auth"]
    stack.kill_service("auth", stay_down=True)
    stack.kill_service("gateway")
    eventually(stack.services["gateway"].is_ready)  # by then the supervisor has looked at both
    assert not auth.running
    stack.start_service("auth")
    assert auth.is_ready()


def test_a_killed_broker_and_a_killed_database_come_back(stack: Stack, said: list[str]) -> None:
    stack.broker.kill()  # type: ignore[attr-defined]
    stack.postgres.kill()  # type: ignore[attr-defined]
    eventually(lambda: any("the broker ended" in line for line in said))
    eventually(lambda: any("PostgreSQL ended" in line for line in said))
    eventually(lambda: stack.postgres.running and stack.broker.running)  # type: ignore[attr-defined]


def test_a_second_stack_is_refused_and_does_no_harm(stack: Stack) -> None:
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}, {stack.urls['gateway']}"):
        stack_below(stack.data_dir).start()
    assert stack.services["gateway"].is_ready()
    assert StackLock(stack.data_dir).running() is not None


def test_what_a_dead_stack_left_behind_does_not_count(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "stack.lock").touch()
    (data_dir / "stack.json").write_text(StackState(pid=os.getpid(), stage="ready", ready=True).model_dump_json())
    assert StackLock(data_dir).running() is None
    stack = stack_below(data_dir)
    stack.start()
    stack.stop()


def test_stopping_leaves_nothing_running(data_dir: Path) -> None:
    stack = stack_below(data_dir)
    stack.start()
    pids = [stack.postgres.pid, stack.broker.pid, *(s.pid for s in stack.services.values())]  # type: ignore[attr-defined]
    stack.stop()
    assert all(gone(pid) for pid in pids)
    assert StackLock(data_dir).running() is None


def test_a_service_that_cannot_start_is_told_with_its_own_words(data_dir: Path) -> None:
    stack = stack_below(data_dir, services=("auth", "media"), command=broken_service)
    with pytest.raises(StackFailed, match="the engine is missing"):
        stack.start()
    assert gone(stack.postgres.pid)  # type: ignore[attr-defined]
    assert not stack.services["auth"].running
    assert StackLock(data_dir).running() is None


def test_no_orphan_outlives_a_killed_supervisor(data_dir: Path) -> None:
    program = f"""
import json, sys, threading
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from tests.integration.test_embedded_stack import stack_below
stack = stack_below(Path({str(data_dir)!r}))
stack.start()
print(json.dumps([stack.postgres.pid, stack.broker.pid, *(s.pid for s in stack.services.values())]), flush=True)
threading.Event().wait()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert supervisor.stdout is not None
    pids = json.loads(supervisor.stdout.readline())
    assert not any(gone(pid) for pid in pids)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    eventually(lambda: all(gone(pid) for pid in pids))
    stack = stack_below(data_dir)  # and its data serves the next one
    stack.start()
    stack.stop()


def test_given_servers_are_used_and_left_alone(tmp_path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSWORK_POSTGRES_URL", stack.postgres.admin_dsn)
    monkeypatch.setenv("PRESSWORK_KAFKA_URL", stack.broker.url)
    guest = stack_below(tmp_path / "guest")
    guest.start()
    try:
        assert environment_of(guest, "auth")["PRESSWORK_KAFKA_URL"] == stack.broker.url
        assert "PRESSWORK_POSTGRES_URL" not in environment_of(guest, "auth")
        assert not (tmp_path / "guest" / "postgres").exists()
    finally:
        guest.stop()
    assert stack.postgres.running  # type: ignore[attr-defined]
    assert stack.broker.running  # type: ignore[attr-defined]
