"""No body larger than its path allows: refused by its declared length, and counted while it streams in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.prefixes import longest
from shared.http.problem import Problem

LINGER_BYTES = 134_217_728  # well above the largest limit, so that slightly too much is told, not reset
LINGER_SECONDS = 5.0


class BodyTooLarge(HTTPException):
    """413, raised while a body is read: FastAPI lets only its own kind of exception through there."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        detail = f"Send at most {limit:,} bytes here; shorten the body or split it."
        # Not all of the body may have been read, so the connection cannot serve another request.
        close = {"Connection": "close"}
        self.problem = Problem(413, "body-too-large", "Body too large", detail, headers=close, max_bytes=limit)


class BodyLimit:
    """ASGI middleware: 413 above `max_bytes` (with exceptions per path prefix)."""

    def __init__(self, app: ASGIApp, max_bytes: int, per_prefix: Mapping[str, int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._per_prefix = per_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = longest(scope["path"], self._per_prefix, self._max_bytes)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit():
            raise Problem(
                400, "malformed-request", "Malformed request", "Give Content-Length as a whole number of bytes."
            )
        if int(declared) > limit:
            # Whoever asks before sending is answered before sending.
            if not any(name == b"expect" for name, _ in scope["headers"]):
                await _linger(receive)
            raise BodyTooLarge(limit)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    if message.get("more_body", False):
                        await _linger(receive)
                    raise BodyTooLarge(limit)
            return message

        await self._app(scope, counted, send)


async def _linger(receive: Receive) -> None:
    """Reads on for a while and throws it away: a client that is still sending would see a reset, not the answer."""
    discarded = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while discarded < LINGER_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                discarded += len(message.get("body", b""))
