"""The verifier of access tokens that every service has: it reads the published keys from auth."""

from __future__ import annotations

from typing import Any

from shared.http.client import ServiceClient
from shared.http.deadline import Deadline
from shared.security.tokens import Verifier

_FETCH_SECONDS = 3.0


def verifier(client: ServiceClient) -> Verifier:
    """A verifier that reads the keys from auth."""

    async def fetch() -> dict[str, Any]:
        answer = await client.request("auth", "GET", "/.well-known/jwks.json", deadline=Deadline.after(_FETCH_SECONDS))
        keys: dict[str, Any] = answer.json()
        return keys

    return Verifier(fetch)
