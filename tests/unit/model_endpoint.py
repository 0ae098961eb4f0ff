"""A real HTTP server on loopback that speaks OpenAI's chat completions and answers what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class ModelEndpoint:
    """Gives `answers` one after another, the last one again and again: a text, a status code, or `HANG` for none."""

    answers: list[str | int]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if answer == HANG:
            await self.released.wait()
        if isinstance(answer, int):
            return web.json_response({"error": {"message": "out of order", "type": "server_error"}}, status=answer)
        message = {"role": "assistant", "content": answer}
        return web.json_response(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1_760_000_000,
                "model": self.requests[-1]["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
            }
        )

    def said(self) -> str:
        """Everything the client sent, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)


HANG = "\0hang"


@asynccontextmanager
async def model_endpoint(*answers: str | int) -> AsyncIterator[ModelEndpoint]:
    """Serves at `url` until the block is left."""
    endpoint = ModelEndpoint(list(answers))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.complete)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    endpoint.url = f"http://{host}:{port}/v1"
    try:
        yield endpoint
    finally:
        endpoint.released.set()
        await runner.cleanup()
