"""Deadlines: how long an answer is still wanted. They travel between services as remaining milliseconds."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.prefixes import longest
from shared.http.problem import Problem

HEADER = "X-Presswork-Deadline-Ms"
_HEADER = HEADER.lower().encode()
_SCOPE_KEY = "presswork.deadline"


class DeadlineExceeded(Problem):
    """504: the answer is not wanted any more."""

    def __init__(self, detail: str = "The answer took too long; try again in a moment.") -> None:
        super().__init__(504, "deadline-exceeded", "Too slow", detail)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on this machine's monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """`seconds` from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def never(cls) -> Deadline:
        """No deadline at all."""
        return cls(math.inf)

    def remaining(self) -> float:
        """Seconds left, 0 when it has passed."""
        return max(0.0, self.at - time.monotonic())

    def header(self) -> str | None:
        """What tells the next service, None without a deadline. Raises DeadlineExceeded when it has passed."""
        if math.isinf(self.at):
            return None
        milliseconds = int(self.remaining() * 1000)
        if milliseconds <= 0:
            raise DeadlineExceeded()
        return str(milliseconds)


class DeadlineMiddleware:
    """Gives up a request whose answer has not begun in time: 504, and the work is cancelled.

    The deadline is the shorter of the caller's header and of `seconds` (with exceptions per path prefix).
    """

    def __init__(self, app: ASGIApp, seconds: float, per_prefix: Mapping[str, float]) -> None:
        self._app = app
        self._seconds = seconds
        self._per_prefix = per_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seconds = min(longest(scope["path"], self._per_prefix, self._seconds), _asked_for(scope))
        if seconds <= 0:
            raise DeadlineExceeded("The deadline had passed when the request arrived; allow more time.")
        scope[_SCOPE_KEY] = Deadline.after(seconds)
        try:
            async with asyncio.timeout(seconds) as timeout:

                async def begin(message: Message) -> None:
                    # Streams may last: the deadline is about the beginning of an answer.
                    if message["type"] == "http.response.start":
                        timeout.reschedule(None)
                    await send(message)

                await self._app(scope, receive, begin)
        except TimeoutError:
            if timeout.expired():
                raise DeadlineExceeded() from None
            raise


def _asked_for(scope: Scope) -> float:
    for name, value in scope["headers"]:
        if name == _HEADER:
            if not value.isdigit() or len(value) > 12:
                detail = f"Give {HEADER} as whole milliseconds that remain, or leave it out."
                raise Problem(400, "malformed-request", "Malformed request", detail)
            return int(value) / 1000
    return math.inf


def deadline_of(scope: Scope) -> Deadline:
    """The deadline of the request of `scope`; never, outside the middleware."""
    found = scope.get(_SCOPE_KEY)
    return found if isinstance(found, Deadline) else Deadline.never()


def _request_deadline(request: Request) -> Deadline:
    return deadline_of(request.scope)


RequestDeadline = Annotated[Deadline, Depends(_request_deadline)]
