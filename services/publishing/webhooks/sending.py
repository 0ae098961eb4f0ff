"""One delivery over HTTP: signed by Standard Webhooks, sent to public addresses only, following no redirect.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook
from yarl import URL

from shared.decider import Invalid
from shared.security.addresses import is_public
from shared.security.fetch import FetchFailed, TooLarge, UnsafeUrl, fetch

_ANSWER_BYTES = 65_536  # nobody reads the answer


@dataclass(frozen=True, slots=True)
class Attempt:
    """How it went. `status`: what the receiver answered, None when it did not; `error`: None when it was taken."""

    status: int | None
    error: str | None
    duration_ms: int


class Sender:
    """Sends from this process, to one webhook a few at a time."""

    def __init__(self, timeout: float, at_once: int, *, allow_private: bool = False) -> None:
        """`timeout`: seconds that an answer may take. `allow_private` also reaches private networks, over http."""
        self._timeout = timeout
        self._at_once = at_once
        self._allow_private = allow_private
        self._under_way: Counter[UUID] = Counter()

    @contextmanager
    def place(self, webhook_id: UUID) -> Iterator[bool]:
        """Whether there is room for one more to this webhook; a slow receiver must not hold up the others."""
        free = self._under_way[webhook_id] < self._at_once
        if not free:
            yield False
            return
        self._under_way[webhook_id] += 1
        try:
            yield True
        finally:
            self._under_way[webhook_id] -= 1
            if not self._under_way[webhook_id]:
                del self._under_way[webhook_id]

    async def send(self, url: str, signers: Sequence[str], delivery_id: UUID, at: datetime, body: str) -> Attempt:
        """POST `body`, signed with each secret."""
        headers = headers_of(signers, delivery_id, at, body)
        started = time.monotonic()
        status, error = await self._post(url, headers, body)
        return Attempt(status, error, round((time.monotonic() - started) * 1000))

    async def _post(self, url: str, headers: dict[str, str], body: str) -> tuple[int | None, str | None]:
        try:
            answer = await fetch(
                url,
                max_bytes=_ANSWER_BYTES,
                timeout=self._timeout,
                max_redirects=0,
                allow_private=self._allow_private,
                method="POST",
                headers=headers,
                body=body.encode(),
            )
        except TooLarge as large:
            return large.status, None  # an answer of 2xx, however long
        except FetchFailed as failed:
            return failed.status, _said(failed, self._timeout)
        except UnsafeUrl as unsafe:
            return None, str(unsafe)
        return answer.status, None

    def check(self, url: str) -> str:
        """The address as it is kept. Raises Invalid for one that nothing would be sent to."""
        try:
            found = URL(url.strip())
            host, port = found.host, found.port
        except ValueError:
            host, port, found = None, None, URL()
        if host is None or found.scheme not in ("https", "http") or not host.isprintable() or " " in host:
            raise Invalid("The address is no usable URL; give one such as https://example.org/hooks.")
        if found.user is not None or found.password is not None:
            raise Invalid("The address carries a user name or password; leave them out, as deliveries are signed.")
        if found.fragment:
            raise Invalid("The address has a fragment (#), which is never sent; leave it out.")
        if self._allow_private:
            return str(found)
        if found.scheme != "https":
            raise Invalid("A webhook is reached over https, so that nobody reads it on the way.")
        if port != 443:
            raise Invalid("A webhook is reached on port 443; leave out the port.")
        if host == "localhost" or not _may_be_public(host):
            raise Invalid("The address points into a private network; use a public one.")
        return str(found)


def headers_of(signers: Sequence[str], delivery_id: UUID, at: datetime, body: str) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature for each secret."""
    signatures = [Webhook(secret).sign(str(delivery_id), at, body) for secret in signers]
    return {
        "Content-Type": "application/json",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _may_be_public(host: str) -> bool:
    """False for a number that is no public address; names are looked up when they are called."""
    try:
        return is_public(host)
    except ValueError:
        return True


def _said(failed: FetchFailed, timeout: float) -> str:
    if failed.status is not None:
        return f"The receiver answered {failed.status}; a delivery counts when the answer is 2xx."
    if isinstance(failed.__cause__, TimeoutError):
        return f"The receiver did not answer within {timeout:g} seconds; answer first, then do the work."
    if "redirects" in str(failed):
        return "The receiver redirects, which is not followed; give the address where it ends."
    return str(failed)
