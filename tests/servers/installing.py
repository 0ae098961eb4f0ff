"""Installing a server that tests stand on: once for each lock, into the user's cache, safe against two runs at once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Beside the clone, not in it: the next clone finds it there.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "presswork" / "servers"
_MINUTES = 15  # building SQLite from source on a small machine, and a slow network


def run(*command: str, cwd: Path) -> str:
    """Runs a command of the installation. Raises RuntimeError with the end of what it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_MINUTES * 60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


@contextmanager
def installing(name: str, lock: Path, version: str) -> Iterator[tuple[Path, bool]]:
    """The folder of this very lock and version of what runs it, and whether it has to be filled.

    Half an installation is never taken for one.
    """
    machine = f"{version} {platform.machine()}".encode()  # parts of it are compiled
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
