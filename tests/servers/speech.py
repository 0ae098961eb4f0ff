"""The libraries and the model that read speech: the optional extra, installed once for each lock into `.cache/`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.servers.npm import installing, run

_LOCK = Path(__file__).parents[2] / "requirements-speech.txt"


def packages() -> Path:
    """The folder they are in. Raises RuntimeError when they cannot be installed."""
    with installing("speech", _LOCK) as (folder, empty):
        if empty:
            into = ("--quiet", "--python", sys.executable, "--target", str(folder))
            run(sys.executable, "-m", "uv", "pip", "install", *into, "--require-hashes", "-r", str(_LOCK), cwd=folder)
    return folder
