"""A real HTTP server on loopback that speaks OpenAI's and Anthropic's API, and answers what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from shared.llm import Endpoint

HANG = "\0hang"  # no answer at all
ENDLESS = "\0endless"  # an answer that never ends
REFUSAL = "\0refusal"  # the field in which a model refuses
CUT_OFF = "\0cut off"  # the most tokens are reached in the middle
NO_CHOICE = "\0no choice"  # an answer without any text
NOT_JSON = "\0not json"  # what a proxy says


@dataclass
class ModelEndpoint:
    """Gives `answers` one after another, the last one again and again: a text, a status code, or one of those above."""

    answers: list[str | int]
    counts: bool = True  # whether it says how many tokens it took
    verdict: str | None = None  # what a judge is answered, where engine and judge ask one endpoint
    tokens: tuple[int, int] = (11, 7)  # read and written, each time
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def at(self, model: str = "small", **options: Any) -> Endpoint:
        """How a client knows it."""
        base_url = self.url.removesuffix("/v1") if options.get("api") == "anthropic" else self.url
        return Endpoint(model, base_url, **options)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        answer = await self._next(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        message: dict[str, Any] = {"role": "assistant", "content": answer}
        if answer == REFUSAL:
            message = {"role": "assistant", "content": None, "refusal": "I will not."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        if answer == CUT_OFF:
            choice |= {"message": {"role": "assistant", "content": '{"title": "Te'}, "finish_reason": "length"}
        said = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": self.requests[-1]["model"],
            "choices": [] if answer == NO_CHOICE else [choice],
        }
        if self.counts:
            read, wrote = self.tokens
            said["usage"] = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
        return web.json_response(said)

    async def message(self, request: web.Request) -> web.StreamResponse:
        answer = await self._next(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.json_response(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": self.requests[-1]["model"],
                "content": [] if answer == REFUSAL else [{"type": "text", "text": answer}],
                "stop_reason": "refusal" if answer == REFUSAL else "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 11, "output_tokens": 7},
            }
        )

    async def _next(self, request: web.Request) -> str | web.StreamResponse:
        self.requests.append(await request.json())
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if self.verdict is not None and "You judge" in json.dumps(self.requests[-1]):
            return self.verdict
        if isinstance(answer, int):
            error = {"error": {"message": "out of order", "type": "server_error"}}
            return web.json_response(error, status=answer, headers={"retry-after-ms": "1"})
        if answer == HANG:
            await self.released.wait()
        elif answer == ENDLESS:
            return await self._without_end(request)
        elif answer == NOT_JSON:
            return web.Response(text="<html>It works!</html>", content_type="text/html")
        return answer

    async def _without_end(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while not self.released.is_set():
            await response.write(b" " * 65_536)
        return response

    def said(self) -> str:
        """Everything the client sent, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)


@asynccontextmanager
async def model_endpoint(*answers: str | int, counts: bool = True) -> AsyncIterator[ModelEndpoint]:
    """Serves at `url` until the block is left."""
    endpoint = ModelEndpoint(list(answers), counts)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.complete)
    app.router.add_post("/v1/messages", endpoint.message)
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
