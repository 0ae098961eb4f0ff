"""Asking a platform whose account a token opens: how a connection is tested."""

from __future__ import annotations

from typing import Any

from services.publishing.connectors import Connection, PublishError, http
from services.publishing.connectors.bluesky import BlueskyConnector
from services.publishing.connectors.ghost import GhostConnector
from services.publishing.fediverse.client import PLATFORMS, Fediverse

NAMES = {
    "x": "X",
    "linkedin": "LinkedIn",
    "blog": "The blog",
    "bluesky": "Bluesky",
    "ghost": "Ghost",
}  # as people call them
_WHO = {"x": "/2/users/me", "linkedin": "/v2/userinfo"}


class Accounts:
    """The platforms' "who am I" endpoints. Posts nothing."""

    def __init__(
        self,
        x_url: str,
        linkedin_url: str,
        timeout: float,
        fediverse: Fediverse,
        bluesky: BlueskyConnector,
        ghost: GhostConnector,
    ) -> None:
        """Base addresses of the APIs; `timeout` in seconds for one request. Closes the connectors with itself."""
        self._fediverse = fediverse
        self._sites: dict[str, BlueskyConnector | GhostConnector] = {"bluesky": bluesky, "ghost": ghost}
        urls = {"x": x_url, "linkedin": linkedin_url}
        self._clients = {name: http.Client(NAMES[name], url, timeout) for name, url in urls.items()}

    async def whose(self, connection: Connection) -> str:
        """The account's name as the platform tells it. Raises PublishError when the platform refuses the token."""
        if connection.platform in PLATFORMS:
            return await self._fediverse.whose(connection)
        if (site := self._sites.get(connection.platform)) is not None:
            return await site.whose(connection)
        platform, name = connection.platform, NAMES[connection.platform]
        answer = await self._clients[platform].get(_WHO[platform], http.bearer(connection, name))
        match answer.status:
            case 200:
                return _name(platform, answer.body)
            case 401:
                raise http.unauthorized(connection, name, expired=answer.body.get("code") == "EXPIRED_ACCESS_TOKEN")
            case 429:
                raise http.rate_limited(answer, name, "x-rate-limit-reset", "x-ratelimit-reset")
            case _:
                raise PublishError(
                    "disconnected", f"{name} does not accept this connection: {answer.detail} Connect {name} again."
                )

    async def who(self, connection: Connection) -> tuple[str, dict[str, Any]]:
        """The account's name, and what a connector would else have to ask for each post. Raises PublishError."""
        platform, name = connection.platform, NAMES[connection.platform]
        answer = await self._clients[platform].get(_WHO[platform], http.bearer(connection, name))
        body = answer.body.get("data") if platform == "x" else answer.body
        account = str((body or {}).get("id" if platform == "x" else "sub") or "")
        username = _name(platform, answer.body)
        if answer.status != 200 or not account or not username:
            raise PublishError("transient", f"{name} did not say whose account this is: {answer.detail}")
        settings = {"user_id": account} if platform == "x" else {"author_urn": f"urn:li:person:{account}"}
        return username, settings

    async def close(self) -> None:
        """Close the HTTP sessions."""
        for site in self._sites.values():
            await site.close()
        for client in self._clients.values():
            await client.close()


def _name(platform: str, body: dict[str, Any]) -> str:
    if platform == "linkedin":
        return str(body.get("name") or body.get("sub") or "")
    data = body.get("data")
    return str(data.get("username", "")) if isinstance(data, dict) else ""
