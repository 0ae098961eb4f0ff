"""The peers' own virtual environment, made on first use from the locked file."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.ground import REPOSITORY, Failed, run

HERE = Path(__file__).parent
LOCK = HERE / "peers.txt"
HOME = REPOSITORY / ".bench" / "venv"
PYTHON = HOME / "bin" / "python"

# LangSmith, which LangGraph brings along, shall talk to nobody.
_QUIET = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false", "LANGGRAPH_STRICT_MSGPACK": "true"}


def peer(script: str, *, within: float = 120, **arguments: Any) -> dict[str, Any]:
    """What `peers/<script>.py` prints, given keyword arguments as JSON."""
    ready()
    return run([str(PYTHON), str(HERE / "peers" / f"{script}.py"), json.dumps(arguments)], within, _QUIET)


@contextmanager
def serving(script: str, **arguments: Any) -> Iterator[None]:
    """A peer that serves until the block is left; it has printed a line when it is ready."""
    ready()
    command = [str(PYTHON), str(HERE / "peers" / f"{script}.py"), json.dumps(arguments)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            if not child.stdout.readline():
                raise Failed(f"{script} did not start")
            yield
        finally:
            child.terminate()


def ready() -> None:
    """Make the environment, or bring it up to the lock. Raises Failed when it cannot be made."""
    stamp, wanted = HOME / ".lock", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and PYTHON.exists():
        return
    for command in (
        [*_uv(), "venv", "--quiet", "--clear", "--python", sys.executable, str(HOME)],
        [*_uv(), "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(LOCK)],
    ):
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"the peers could not be installed:\n{done.stderr[-1000:]}")
    stamp.write_text(wanted)


def lock() -> None:
    """Lock `peers.in` anew."""
    options = ["--quiet", "--generate-hashes", "--universal", "--python-version", "3.11"]
    origin = ["--custom-compile-command", "python -m tests.bench --lock"]
    subprocess.run([*_uv(), "pip", "compile", *options, *origin, str(HERE / "peers.in"), "-o", str(LOCK)], check=True)


def _uv() -> list[str]:
    found = shutil.which("uv")
    return [found] if found else [sys.executable, "-m", "uv"]
