"""Calls between services over one pool of connections, with deadlines and the trace passed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from shared.http import deadline as deadlines
from shared.http import internal
from shared.http.deadline import Deadline, DeadlineExceeded
from shared.http.problem import Problem, received
from shared.telemetry.context import correlation_id, current_traceparent

# Shorter than the servers keep a connection open, so that none is used in the moment it is closed.
KEEPALIVE_SECONDS = 20.0
CONNECT_SECONDS = 2.0
SILENCE_SECONDS = 60.0
_RETRY_PAUSE = 0.05


class Upstream(Problem):
    """503: a service cannot be reached."""

    def __init__(self, service: str) -> None:
        detail = f"The {service} service cannot be reached now; try again in a moment."
        headers = {"Retry-After": "1"}
        super().__init__(503, "unavailable", "Temporarily unavailable", detail, headers=headers, service=service)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; any status."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> Any:
        """The body as Python values. Raises ValueError when it is not JSON."""
        return orjson.loads(self.body)

    def good(self) -> Any:
        """The body of a good answer. Raises the other service's own Problem, so that its sentence reaches the user."""
        body = self.json()
        if self.status >= 400:
            raise received(self.status, body)
        return body


class ServiceClient:
    """Reaches services by name. Open it as an async context manager, inside the running event loop.

    Paths below `/internal` carry the internal token; no other path does.
    """

    def __init__(self, urls: Mapping[str, str], internal_token: str) -> None:
        self._bases = {name: url.rstrip("/") for name, url in urls.items()}
        self._internal_token = internal_token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ttl_dns_cache=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def services(self) -> tuple[str, ...]:
        """The names it can reach."""
        return tuple(self._bases)

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline,
    ) -> Response:
        """One call, answered whole. Raises Upstream (503) or DeadlineExceeded (504); an error status is returned.

        A GET whose connection was refused is tried once more.
        """
        sent: CIMultiDict[str] = CIMultiDict(headers or {})
        body: bytes | None = None
        if json is not None:
            body = orjson.dumps(json, default=str)
            sent.setdefault("Content-Type", "application/json")
        url = str(URL(path).with_query(params)) if params else path
        try:
            async with asyncio.timeout(_seconds(deadline)):
                try:
                    return await self._whole(service, method, url, sent, body, deadline)
                except Upstream as error:
                    if method != "GET" or not isinstance(error.__cause__, aiohttp.ClientConnectorError):
                        raise
                await asyncio.sleep(_RETRY_PAUSE)
                return await self._whole(service, method, url, sent, body, deadline)
        except TimeoutError:
            raise DeadlineExceeded(f"The {service} service took too long; try again in a moment.") from None

    async def _whole(
        self, service: str, method: str, url: str, headers: CIMultiDict[str], body: bytes | None, deadline: Deadline
    ) -> Response:
        async with self.stream(service, method, url, headers=headers, body=body, deadline=deadline) as answer:
            try:
                return Response(answer.status, answer.headers, await answer.read())
            except aiohttp.ClientError as error:
                raise Upstream(service) from error

    @asynccontextmanager
    async def stream(
        self,
        service: str,
        method: str,
        path: str,
        *,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None = None,
        deadline: Deadline,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One call whose answer is read piece by piece; `path` (with its query) goes out as it is, already encoded.

        The deadline travels along, and here bounds only the wait for the head of the answer. Raises as `request` does.
        """
        if self._session is None:
            raise RuntimeError("Open the ServiceClient first: `async with ServiceClient(...) as client`.")
        if (remaining := deadline.header()) is not None:
            headers[deadlines.HEADER] = remaining
        if path.startswith("/internal/"):
            headers[internal.HEADER] = self._internal_token
        if traceparent := current_traceparent():
            headers["traceparent"] = traceparent
        if correlation := correlation_id():
            headers["X-Correlation-Id"] = correlation
        url = URL(self._bases[service] + path, encoded=True)
        try:
            async with asyncio.timeout(_seconds(deadline)):
                answer = await self._session.request(method, url, headers=headers, data=body, allow_redirects=False)
        except TimeoutError as error:
            # aiohttp's own connect timeout is one too: then nobody answered at all.
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                raise Upstream(service) from error
            raise DeadlineExceeded(f"The {service} service took too long; try again in a moment.") from error
        except aiohttp.ClientError as error:
            raise Upstream(service) from error
        try:
            yield answer
        finally:
            # Unread bytes would have to be drained before reuse: an unfinished answer closes its connection instead.
            answer.close() if not answer.content.at_eof() else answer.release()


def _seconds(deadline: Deadline) -> float | None:
    remaining = deadline.remaining()
    return None if remaining == float("inf") else remaining
