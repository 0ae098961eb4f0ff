"""Installing a server from npm: once for each lock, into the user's cache, safe against two runs at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Beside the clone, not in it: the next clone finds it there.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "presswork" / "servers"
_MINUTES = 15  # building SQLite from source on a small machine, and a slow network


def missing(*tools: str) -> str | None:
    """Why a server cannot be had here, None when it can."""
    absent = [tool for tool in ("node", "npm", *tools) if shutil.which(tool) is None]
    if absent:
        return f"Install {', '.join(absent)} to run the real platforms; Node 20 or newer of the 20s serves."
    version = _node()
    major = int(version.removeprefix("v").split(".")[0])
    return None if major >= 20 else f"Node {version} is too old for the real platforms; install Node 20."


def _node() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def run(*command: str, cwd: Path) -> str:
    """Runs a command of the installation. Raises RuntimeError with the end of what it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_MINUTES * 60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


@contextmanager
def installing(name: str, lock: Path) -> Iterator[tuple[Path, bool]]:
    """The folder of this very lock and Node, and whether it has to be filled.

    Half an installation is never taken for one.
    """
    machine = f"{_node()} {platform.machine()}".encode()  # parts of it are compiled
    key = hashlib.sha256(lock.read_bytes() + machine).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder = CACHE / f"{name}-{key}"
        done = folder / ".installed"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield folder, True
            done.touch()
        else:
            yield folder, False


def clean_install(folder: Path, compiled: Sequence[str], *options: str) -> None:
    """Exactly what the lock in `folder` says, no scripts of packages but for the `compiled` ones."""
    run("npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", *options, cwd=folder)
    for package in compiled:
        run("npm", "rebuild", package, "--build-from-source", cwd=folder)


def environment(**more: str) -> dict[str, str]:
    """What a server is started with: this process's, without what would change how it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NODE_", "PRESSWORK_", "npm_"))}
    return kept | more
