"""What stands between us and a real server: it passes everything on, and goes wrong when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from aiohttp import web

Trouble = Literal[
    "answer_lost", "never_answers", "429_without_reset", "200_with_error", "http_500", "503_before", "passes"
]


@dataclass
class Between:
    """The address to call, and the troubles ahead: each meets one request whose path ends so."""

    url: str = ""
    ahead: list[tuple[str, Trouble]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)  # METHOD /path of what the server was asked
    error: dict[str, Any] = field(default_factory=lambda: {"error": "Oops", "message": "Something is wrong."})

    def order(self, path: str, *troubles: Trouble) -> None:
        """The next requests whose path contains `path` meet these troubles, one each."""
        self.ahead += [(path, trouble) for trouble in troubles]

    def meets(self, path: str) -> Trouble | None:
        """The trouble of this request, if any."""
        for at, (where, trouble) in enumerate(self.ahead):
            if where in path:
                del self.ahead[at]
                return trouble
        return None


@asynccontextmanager
async def between(server: str) -> AsyncIterator[Between]:
    """Passes on to `server` until the block ends."""
    state = Between()
    closing = asyncio.Event()
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            match trouble := state.meets(request.path):
                case "429_without_reset":
                    return web.json_response({"error": "RateLimitExceeded", "message": "Too many"}, status=429)
                case "200_with_error":
                    return web.json_response(state.error)
                case "503_before":
                    return web.json_response({}, status=503)
            state.passed.append(f"{request.method} {request.path}")
            headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
            body = await request.read()
            async with session.request(
                request.method, server + request.path_qs, headers=headers, data=body, allow_redirects=False
            ) as answer:
                raw = await answer.read()
            match trouble:
                case "answer_lost":
                    assert request.transport is not None
                    request.transport.abort()
                case "never_answers":
                    await closing.wait()
                case "http_500":
                    return web.json_response({}, status=500)
            kept = {n: v for n, v in answer.headers.items() if n.lower() not in ("transfer-encoding", "connection")}
            return web.Response(status=answer.status, headers=kept, body=raw)

        app = web.Application(client_max_size=50_000_000)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        state.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield state
        finally:
            closing.set()
            await runner.cleanup()
