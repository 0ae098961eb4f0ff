"""`python -m tests.servers`: install now what tests will want later, so that it is there when they come to it.

It leads a process group, so that whoever started it can end it with all that it runs. What cannot be had here, or goes
wrong, is left to the tests, which say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from deploy.kafka import runner
from tests.servers.bluesky import BlueskyServer
from tests.servers.ghost import GhostServer
from tests.servers.language_model import LanguageModel


def _prepare(available: Callable[[], str | None], install: Callable[[], object]) -> None:
    if available() is not None:
        return
    try:
        install()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)


def main() -> None:
    """Kafka's jars, the language model, Bluesky's server and Ghost, one after the other: the quickest first."""
    os.setpgid(0, 0)
    _prepare(runner.ApacheKafka.available, runner.resolve)
    _prepare(lambda: None, LanguageModel.install)
    _prepare(BlueskyServer.available, BlueskyServer.install)
    _prepare(GhostServer.available, GhostServer.install)


if __name__ == "__main__":
    main()
