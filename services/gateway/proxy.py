"""Passing a request on: bodies stream both ways, and nothing is buffered that has no known, small size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
from multidict import CIMultiDict
from starlette.types import Message, Receive, Scope, Send

from shared.http.client import ServiceClient, Upstream
from shared.http.deadline import deadline_of
from shared.security.tokens import Claims

_SMALL = 65_536
_EVENT_STREAM = "text/event-stream"
_KEEP_ALIVE = b": keep-alive\n\n"

# RFC 9110 §7.6.1, and what only the gateway may say to a service.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
_NOT_PASSED_ON = _HOP_BY_HOP | frozenset(b"host expect forwarded x-real-ip".split())
_OURS = (b"x-presswork-", b"x-forwarded-")
# The gateway's own answer names the trace, the server and the time.
_NOT_PASSED_BACK = _HOP_BY_HOP | frozenset(b"server date traceparent x-trace-id x-correlation-id".split())


class Proxy:
    """Passes requests on to services."""

    def __init__(self, client: ServiceClient, heartbeat_seconds: float = 15.0) -> None:
        self._client = client
        self._heartbeat = heartbeat_seconds

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, *, service: str, address: str, claims: Claims | None
    ) -> None:
        """Answers with what `service` answers. Raises Upstream (503) or DeadlineExceeded (504) before any answer."""
        body = _RequestBody(scope, receive)
        try:
            async with self._client.stream(
                service,
                scope["method"],
                _target(scope),
                headers=_request_headers(scope, address),
                body=await body.content(),
                deadline=deadline_of(scope),
            ) as answer:
                await self._answer(answer, body, send, claims)
        except Upstream:
            if body.failure is not None:
                raise body.failure from None
            raise

    async def _answer(
        self, answer: aiohttp.ClientResponse, body: _RequestBody, send: Send, claims: Claims | None
    ) -> None:
        start: Message = {"type": "http.response.start", "status": answer.status, "headers": _response_headers(answer)}
        if answer.content_length is not None and answer.content_length <= _SMALL:
            try:
                whole = await answer.read()
            except aiohttp.ClientError as error:
                raise Upstream(answer.url.host or "") from error
            await send(start)
            await send({"type": "http.response.body", "body": whole})
            return
        await send(start)
        live = answer.content_type == _EVENT_STREAM
        pump = asyncio.create_task(self._pump_events(answer, send) if live else _pump(answer, send))
        gone = asyncio.create_task(body.disconnected())
        # A stream ends with the token that opened it; the client comes back with a new one and Last-Event-ID.
        patience = (claims.expires_at - datetime.now(UTC)).total_seconds() if live and claims else None
        try:
            await asyncio.wait({pump, gone}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = pump.done()
            pump.cancel()
            gone.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)
        if ended:
            pump.result()
        await send({"type": "http.response.body", "body": b""})

    async def _pump_events(self, answer: aiohttp.ClientResponse, send: Send) -> None:
        tail = b"\n\n"
        pending = asyncio.ensure_future(answer.content.readany())
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=self._heartbeat)
                if not done:
                    # Only between two events: in the middle of one, the blank line would cut it in two.
                    if tail == b"\n\n":
                        await send({"type": "http.response.body", "body": _KEEP_ALIVE, "more_body": True})
                    continue
                chunk = pending.result()
                if not chunk:
                    return
                tail = (tail + chunk)[-2:]
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                pending = asyncio.ensure_future(answer.content.readany())
        except aiohttp.ClientError:
            # The service went away: an end like any other to a client that can resume.
            return
        finally:
            pending.cancel()


async def _pump(answer: aiohttp.ClientResponse, send: Send) -> None:
    async for chunk in answer.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


class _RequestBody:
    """The body of a request: whole when it is small, streaming otherwise."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._done = False
        self.failure: Exception | None = None

    async def content(self) -> bytes | AsyncIterator[bytes] | None:
        length, chunked = None, False
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = True
        if not chunked and not length:
            return None
        if not chunked and length is not None and length <= _SMALL:
            return b"".join([chunk async for chunk in self._chunks()])
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            while not self._done:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionResetError("the client went away while sending")
                self._done = not message.get("more_body", False)
                if chunk := message.get("body", b""):
                    yield chunk
        except Exception as error:
            # The HTTP client reports it as a failure of the connection; the proxy wants to know what it was.
            self.failure = error
            raise

    async def disconnected(self) -> None:
        """Returns when the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _target(scope: Scope) -> str:
    path: str = scope["raw_path"].decode("ascii")
    query: bytes = scope["query_string"]
    return f"{path}?{query.decode('ascii')}" if query else path


def _request_headers(scope: Scope, address: str) -> CIMultiDict[str]:
    passed: CIMultiDict[str] = CIMultiDict()
    named_hops = _named_hops(scope["headers"])
    for name, value in scope["headers"]:
        if name == b"host":
            passed.add("X-Forwarded-Host", value.decode("latin-1"))
        elif name not in _NOT_PASSED_ON and name not in named_hops and not name.startswith(_OURS):
            passed.add(name.decode("latin-1"), value.decode("latin-1"))
    passed.add("X-Forwarded-For", address)
    passed.add("X-Forwarded-Proto", scope["scheme"])
    return passed


def _response_headers(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    raw = [(name.lower(), value) for name, value in answer.raw_headers]
    named_hops = _named_hops(raw)
    return [(name, value) for name, value in raw if name not in _NOT_PASSED_BACK and name not in named_hops]


def _named_hops(headers: list[tuple[bytes, bytes]]) -> frozenset[bytes]:
    for name, value in headers:
        if name == b"connection":
            return frozenset(part.strip().lower() for part in value.split(b","))
    return frozenset()
