"""HTTP to a platform, careful about one thing: whether a request that failed had been sent.

A platform's own address is the operator's choice; an address that a user gave is called as carefully as any such one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import orjson

from services.publishing.connectors.port import Connection, PublishError
from shared.security.fetch import UnsafeUrl, checked, checked_connector

_LARGEST_ANSWER: Final = 1 << 20
_BACKOFF: Final = timedelta(seconds=60)
_LONGEST_WAIT: Final = timedelta(days=1)

Params = Mapping[str, str] | Sequence[tuple[str, str]]  # pairs where a name comes more than once
# JSON, bytes as they are (name their type among the headers), or a form.
Body = Mapping[str, Any] | bytes | aiohttp.FormData


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer. `body` is the JSON object, empty when there was none; `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def detail(self) -> str:
        """What the platform says, in its own words, at most 300 characters."""
        errors = self.body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        for said in (self.body.get("detail"), self.body.get("message"), first.get("detail"), first.get("message")):
            if said:
                return str(said)[:300]
        return f"status {self.status}"


class Client:
    """One platform's HTTP. Keeps no connection between requests, so a broken one was broken by this very request."""

    def __init__(self, name: str, base_url: str | None, timeout: float, *, allow_private: bool = False) -> None:
        """`name` is how people call the platform; `timeout` in seconds covers a whole request.

        Without `base_url` every path is a whole URL that a user may have given: only public addresses are reached then,
        but for `allow_private`, which is for tests and demonstrations.
        """
        self.name = name
        self._base = base_url.rstrip("/") if base_url is not None else None
        self._allow_private = allow_private
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout / 2)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, headers: Mapping[str, str], params: Params | None = None) -> Answer:
        """Read. Raises PublishError('transient') when there is no answer, or a 5xx."""
        answer = await self._request("GET", path, headers, params=params)
        if answer.status >= 500:
            raise PublishError("transient", f"{self.name} answered {answer.status}. Try again in a minute.")
        return answer

    async def post(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Change something, once. Raises PublishError: 'transient' if never sent, 'outcome_unknown' afterwards."""
        answer = await self._request("POST", path, headers, body=body)
        if answer.status >= 500:
            raise self.unknown(f"answered {answer.status} after the post was sent")
        return answer

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: Body | None = None) -> Answer:
        """Do what may be done twice. Raises PublishError: 'transient', or 'outcome_unknown' when it may be done."""
        answer = await self._request(method, path, headers, body=body)
        if answer.status >= 500:
            raise PublishError("transient", f"{self.name} answered {answer.status}. Try again in a minute.")
        return answer

    async def prepare(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Send what nobody sees yet: a log-in, an image. Raises PublishError('transient') when there is no answer."""
        try:
            answer = await self._request(method, path, headers, body=body)
        except PublishError as error:
            if error.error_class != "outcome_unknown":
                raise
            raise PublishError("transient", f"{self.name} did not answer. Nothing was posted; try again.") from error
        if answer.status >= 500:
            raise PublishError("transient", f"{self.name} answered {answer.status}. Try again in a minute.")
        return answer

    def unknown(self, what: str) -> PublishError:
        """The error that keeps anyone from posting blindly again."""
        return PublishError(
            "outcome_unknown",
            f"{self.name} {what}, so it may or may not be published. "
            f"Look at your account on {self.name} before posting it again.",
        )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        params: Params | None = None,
        body: Body | None = None,
    ) -> Answer:
        trace = SimpleNamespace(sent=False)
        kind = {"Content-Type": "application/json"} if isinstance(body, Mapping) else {}
        try:
            url = self._base + path if self._base is not None else checked(path, allow_private=self._allow_private)
            async with self._opened().request(
                method,
                url,
                headers={**headers, **kind},
                params=params,
                data=orjson.dumps(body) if isinstance(body, Mapping) else body,
                allow_redirects=False,
                trace_request_ctx=trace,
            ) as response:
                raw = await response.content.read(_LARGEST_ANSWER)
                return Answer(response.status, response.headers, _json_object(raw))
        except UnsafeUrl as error:
            raise PublishError("disconnected", f"{self.name} cannot be reached: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if trace.sent and method != "GET":
                raise self.unknown("did not answer after the post was sent") from error
            raise PublishError(
                "transient", f"{self.name} could not be reached ({type(error).__name__}). Nothing was sent; try again."
            ) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=(
                    checked_connector(allow_private=self._allow_private)
                    if self._base is None
                    else aiohttp.TCPConnector(force_close=True)
                ),
                trace_configs=[trace],
                headers={"User-Agent": "Presswork/0.1", "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = True


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def bearer(connection: Connection | None, name: str) -> dict[str, str]:
    """The authorization header. Raises PublishError('disconnected') where no account is connected."""
    if connection is None or not connection.access_token:
        raise PublishError("disconnected", f"No {name} account is connected. Connect one, then publish again.")
    return {"Authorization": f"Bearer {connection.access_token}"}


def unauthorized(connection: Connection, name: str, *, expired: bool) -> PublishError:
    """The error of a 401: renew what can be renewed, else connect again."""
    if expired or connection.renewable:
        return PublishError(
            "refresh_token", f"Your {name} token is over. Renew it or connect {name} again, then retry."
        )
    return PublishError("disconnected", f"{name} does not accept your token. Connect {name} again, then retry.")


def rate_limited(answer: Answer, name: str, *resets: str) -> PublishError:
    """The error of a 429: until the latest of the `resets` headers (epoch seconds), `Retry-After`, or for a minute."""
    now = datetime.now(UTC)
    waits = [
        datetime.fromtimestamp(int(at), UTC) for reset in resets if (at := answer.headers.get(reset, "")).isdecimal()
    ]
    if not waits and (seconds := answer.headers.get("Retry-After", "")).isdecimal():
        waits = [now + timedelta(seconds=int(seconds))]
    until = min(max(waits), now + _LONGEST_WAIT) if waits else now + _BACKOFF
    until = max(until, now + timedelta(seconds=1))
    return PublishError(
        "rate_limited",
        f"{name} takes no more posts for now. It goes on at {until:%H:%M:%S} UTC; nothing was posted.",
        until,
    )
