"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(check: Callable[[], T | Awaitable[T]], within: float = 45.0) -> T:
    """What `check` returns as soon as it is true. Fails after `within` seconds, saying what it returned last.

    An assertion that fails in `check` counts as not yet true.
    """
    deadline = asyncio.get_running_loop().time() + within
    while True:
        try:
            answer = check()
            found: T = await answer if inspect.isawaitable(answer) else answer  # type: ignore[assignment]
            said: object = found
        except AssertionError as error:
            found, said = None, error  # type: ignore[assignment]
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {within} s; last: {said!r}")
        await asyncio.sleep(0.02)
