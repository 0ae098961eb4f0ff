"""Mastodon's API, which Pixelfed speaks too: whose account a token opens, and the caption of an image.

Instances are addresses that users give, so they are reached as carefully as any such address (shared.security.fetch).
Source: https://docs.joinmastodon.org/methods/ (accounts, statuses) and https://docs.pixelfed.org/technical-documentation/api/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from services.publishing.connectors import Connection, PublishError
from shared.security.fetch import Fetched, FetchFailed, UnsafeUrl, fetch

PLATFORMS: Final = ("mastodon", "pixelfed")
_LARGEST_ANSWER: Final = 2_000_000


class Fediverse:
    """Talks to instances. `timeout` in seconds for one request; `allow_private` for tests and demonstrations only."""

    def __init__(self, timeout: float, *, allow_private: bool = False) -> None:
        self._timeout = timeout
        self._allow_private = allow_private

    async def whose(self, connection: Connection) -> str:
        """The account's name. Raises PublishError when the instance refuses the token or does not answer."""
        account = await self._call(connection, "GET", "/api/v1/accounts/verify_credentials")
        return str(account.get("acct") or account.get("username") or "")

    async def put_caption(self, connection: Connection, status_id: str, image_post_id: str, caption: str) -> None:
        """Give an image of a post its caption; doing it again changes nothing. Raises PublishError."""
        if connection.platform == "pixelfed":
            path = f"/api/v1/media/{quote(image_post_id, safe='')}"
            await self._call(connection, "PUT", path, {"description": caption})
            return
        path = f"/api/v1/statuses/{quote(status_id, safe='')}"
        status = await self._call(connection, "GET", path)
        attachments = [each for each in status.get("media_attachments", []) if isinstance(each, dict)]
        here = [each for each in attachments if str(each.get("id")) == image_post_id]
        if not here:
            raise PublishError("bad_content", "The image is not on the post any more; import the post again.")
        if here[0].get("description") == caption:
            return
        source = await self._call(connection, "GET", f"{path}/source")
        # An edit replaces the whole: an image that is not named here would vanish from the post.
        edit = {
            "status": source.get("text", ""),
            "spoiler_text": source.get("spoiler_text", ""),
            "sensitive": bool(status.get("sensitive")),
            "language": status.get("language"),
            "media_ids": [str(each["id"]) for each in attachments],
            "media_attributes": [
                {"id": str(each["id"]), "description": caption if each in here else each.get("description") or ""}
                for each in attachments
            ],
        }
        await self._call(connection, "PUT", path, edit)

    async def _call(
        self, connection: Connection, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        name = connection.instance_url or connection.platform
        headers = {"Authorization": f"Bearer {connection.access_token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = await fetch(
                f"{connection.instance_url}{path}",
                max_bytes=_LARGEST_ANSWER,
                timeout=self._timeout,
                max_redirects=0,  # the token goes to nobody else
                allow_private=self._allow_private,
                method=method,
                headers=headers,
                body=None if body is None else orjson.dumps(body),
            )
        except UnsafeUrl as error:
            raise PublishError("disconnected", f"{name} cannot be reached: {error}") from error
        except FetchFailed as error:
            raise _refused(name, error) from error
        return _object(name, answer)


def _refused(name: str, error: FetchFailed) -> PublishError:
    match error.status:
        case 401 | 403:
            return PublishError("disconnected", f"{name} does not accept your token. Connect it again, then retry.")
        case 404 | 410:
            return PublishError("bad_content", f"{name} does not have the post any more; import it again.")
        case 422:
            return PublishError("bad_content", f"{name} does not take this caption; shorten it, then approve it again.")
        case 429:
            return PublishError("rate_limited", f"{name} takes no more requests for now; it is tried again later.")
        case _:
            return PublishError("transient", f"{name} did not answer as it should. {error}")


def _object(name: str, answer: Fetched) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise PublishError("disconnected", f"{name} does not answer as Mastodon or Pixelfed does; check its address.")
    return found
