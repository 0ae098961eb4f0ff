"""Running the sandbox as a real server inside a test, on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from tests.sandbox.app import create_app


class _Server(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    """The base address of a sandbox that serves until the block ends. Raises TimeoutError if it is not up in 10 s."""
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(
            create_app(base_url),
            log_level="warning",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=600,
            lifespan="off",
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(60):
        await server.up.wait()
    try:
        yield base_url
    finally:
        server.should_exit = True
        await task
        listener.close()
