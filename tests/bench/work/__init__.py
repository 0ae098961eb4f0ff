"""Measurements in processes of their own: JSON on the command line, JSON on the last line printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop


def main(measure: Callable[..., Coroutine[Any, Any, dict[str, Any]]]) -> None:
    """Run `measure` with the arguments of the command line, as the services run: on uvloop."""
    print(json.dumps(uvloop.run(measure(**json.loads(sys.argv[1])))))
