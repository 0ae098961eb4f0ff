"""`python -m deploy.embedded up|down|status|dsn|exec|destroy`: the whole platform on this machine."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.embedded.keys import Keys
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.settings import StackSettings
from deploy.embedded.stack import REPOSITORY, WITH_SCHEMA, Stack, StackFailed
from deploy.embedded.state import AlreadyRunning, StackLock, StackState, wait_for_exit

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM."""


def _stop(number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # once is enough: stopping has deadlines of its own
    raise _Stopped


def up(data_dir: Path, port: int) -> int:
    """Run the stack in the foreground until Ctrl-C, SIGTERM or `down`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with console.status("starting") as status:

        def say(line: str) -> None:
            console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(line)}")

        stack = Stack(data_dir, port=port, say=say)
        began = time.monotonic()
        try:
            stack.start()
            status.stop()
            console.print(
                f"[bold green]Presswork is up[/] at [bold]{stack.urls['gateway']}[/] "
                f"({time.monotonic() - began:.1f} s). Ctrl-C or `make down` stops it."
            )
            threading.Event().wait()
        except AlreadyRunning as error:
            problems.print(f"[yellow]{escape(str(error))}[/]")
            return 1
        except StackFailed as error:
            problems.print(f"[bold red]not started:[/] {escape(str(error))}")
            return 1
        except _Stopped:
            status.update("stopping")
            status.start()
            stack.stop()
    console.print("stopped")
    return 0


def up_detached(data_dir: Path, port: int) -> int:
    """Start the stack in the background; back when it is ready."""
    lock = StackLock(data_dir)
    log = data_dir / "logs" / "stack.log"
    if (state := lock.running()) is not None:
        problems.print(f"[yellow]{escape(str(AlreadyRunning(state)))}[/]")
        return 1
    Stack(data_dir).make_data_dir()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out, console.status("starting") as status:
        command = [sys.executable, "-m", "deploy.embedded", "--data-dir", str(data_dir), "up", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        while process.poll() is None:
            state = lock.running()
            if state is not None and state.pid == process.pid:
                status.update(f"starting: {state.stage}")
                if state.ready:
                    console.print(f"[bold green]Presswork is up[/] at [bold]{state.address}[/]; `make down` stops it.")
                    return 0
            time.sleep(0.05)
    problems.print(escape(log.read_text()), end="")
    return process.returncode or 1


def down(data_dir: Path) -> int:
    """Stop the running stack: gently, by force after a minute."""
    lock = StackLock(data_dir)
    state = lock.running()
    if state is None:
        console.print("nothing is running")
        return 0
    if not state.pid:
        problems.print("a stack is just starting: try again in a moment")
        return 1
    os.kill(state.pid, signal.SIGTERM)
    with console.status(f"stopping (pid {state.pid})"):
        gently = wait_for_exit(lock, state.pid, 60)
        if not gently:
            os.kill(state.pid, signal.SIGKILL)  # its children die with it
            wait_for_exit(lock, state.pid, 10)
    console.print("stopped" if gently else "killed")
    return 0


def status(data_dir: Path) -> int:
    """Print what runs; exit code 1 if nothing does."""
    state = _running(data_dir)
    if state is None:
        return 1
    table = Table("part", "address", title=f"pid {state.pid}: {'ready' if state.ready else 'starting ' + state.stage}")
    for name, url in state.urls.items():
        table.add_row(name, url)
    table.add_row("kafka", state.kafka_url)
    console.print(table)
    return 0


def dsn(data_dir: Path, service: str) -> int:
    """Print the connection string of a service's role (or `admin`), as psql takes it."""
    state = _running(data_dir)
    if state is None:
        return 1
    known = state.dsns | ({"admin": state.admin_dsn} if state.admin_dsn else {})
    if service not in known:
        problems.print(
            f"no service {escape(service)!r} has a schema; there are: {', '.join(sorted(known)) or 'none yet'}"
        )
        return 1
    print(known[service])
    return 0


def destroy(data_dir: Path) -> int:
    """Remove the data folder, and what of it lies elsewhere; refused while a stack runs."""
    if (state := StackLock(data_dir).running()) is not None:
        problems.print(f"[yellow]{escape(str(AlreadyRunning(state)))}[/]")
        return 1
    EmbeddedPostgres(data_dir / "postgres").destroy()
    shutil.rmtree(data_dir, ignore_errors=True)
    return 0


def execute(data_dir: Path, service: str | None, command: list[str]) -> int:
    """Run a tool with the addresses and keys of the running stack in its environment.

    PRESSWORK_POSTGRES_URL (administrator), PRESSWORK_<SERVICE>_DATABASE_URL, PRESSWORK_KAFKA_URL,
    PRESSWORK_<SERVICE>_URL, PRESSWORK_FIELD_KEYS, PRESSWORK_DATA_DIR, PRESSWORK_TRACES_DIR; with `service` also
    PRESSWORK_DATABASE_URL.
    """
    if os.environ.get("PRESSWORK_POSTGRES_URL") and StackLock(data_dir).running() is None:
        return subprocess.call(command)  # servers of the caller's own
    state = _running(data_dir)
    if state is None:
        return 1
    keys = Keys.of(data_dir, WITH_SCHEMA)
    env = {
        "PRESSWORK_POSTGRES_URL": state.admin_dsn,
        "PRESSWORK_KAFKA_URL": state.kafka_url,
        "PRESSWORK_DATA_DIR": str(data_dir),
        "PRESSWORK_TRACES_DIR": str(data_dir / "traces"),
        "PRESSWORK_INTERNAL_TOKEN": keys.internal_token,
        "PRESSWORK_FIELD_KEYS": ",".join(keys.field_keys),
    }
    env |= {f"PRESSWORK_{name.upper()}_DATABASE_URL": value for name, value in state.dsns.items()}
    env |= {f"PRESSWORK_{name.upper()}_URL": value for name, value in state.urls.items()}
    if service:
        if service not in state.dsns:
            problems.print(f"no service {escape(service)!r} has a schema; there are: {', '.join(sorted(state.dsns))}")
            return 1
        env["PRESSWORK_DATABASE_URL"] = state.dsns[service]
    return subprocess.call(command, env=os.environ | env)


def _running(data_dir: Path) -> StackState | None:
    state = StackLock(data_dir).running()
    if state is None:
        problems.print("no stack is running: start one with `make up` (in another terminal, or DETACH=1)")
    return state


def main() -> int:
    settings = StackSettings()
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=settings.data_dir)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="run everything")
    starting.add_argument("--port", type=int, default=settings.port, help="the gateway's port (default: %(default)s)")
    starting.add_argument("--detach", action="store_true", help="return when everything is ready")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="what runs")
    commands.add_parser("destroy", help="remove the data")
    asked = commands.add_parser("dsn", help="a connection string for psql")
    asked.add_argument("service")
    run = commands.add_parser("exec", help="run a tool with the running stack's environment")
    run.add_argument("--service")
    run.add_argument("tool", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    data_dir = chosen.data_dir.absolute()
    match chosen.command:
        case "up":
            return (up_detached if chosen.detach else up)(data_dir, chosen.port)
        case "down":
            return down(data_dir)
        case "status":
            return status(data_dir)
        case "destroy":
            return destroy(data_dir)
        case "dsn":
            return dsn(data_dir, chosen.service)
        case _:
            return execute(data_dir, chosen.service, [part for part in chosen.tool if part != "--"])


if __name__ == "__main__":
    sys.exit(main())
