"""Ghost's Admin API: an article is put up once, hidden, and deleted.

Source: https://ghost.org/docs/admin-api/ (token authentication, posts).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import jwt

from services.publishing.connectors import PublishError, http
from services.publishing.reddit.article import Article

_POSTS: Final = "/ghost/api/admin/posts/"
_KEY: Final = re.compile(r"([0-9a-f]+):((?:[0-9a-f]{2})+)")
_TOKEN_SECONDS: Final = 240  # Ghost takes tokens of at most five minutes


@dataclass(frozen=True, slots=True)
class Standing:
    """An article on Ghost."""

    ghost_post_id: str
    url: str
    slug: str


class Ghost:
    """One Ghost site, the operator's. `admin_key` is `id:secret` as Ghost gives it; `timeout` in seconds a request."""

    def __init__(self, url: str, admin_key: str, timeout: float) -> None:
        """Raises ValueError when the key is not one of Ghost's."""
        known = _KEY.fullmatch(admin_key)
        if known is None:
            raise ValueError("Ghost's admin key is id:secret; copy it from the integration's page in Ghost's settings.")
        self._key_id, self._secret = known[1], bytes.fromhex(known[2])
        self._client = http.Client("Ghost", url, timeout)

    async def publish(self, article: Article) -> Standing:
        """Put the article up, or bring the one that stands to what it says now. Raises PublishError."""
        body = {
            "title": article.title,
            "slug": article.slug,
            "html": article.html,
            "custom_excerpt": article.excerpt,
            "tags": [{"name": tag} for tag in article.tags],
            "status": "published",
        }
        found = await self._find(f"{_POSTS}slug/{quote(article.slug)}/")
        if found is None:
            answer = await self._client.send("POST", f"{_POSTS}?source=html", self._headers(), {"posts": [body]})
        else:
            body["updated_at"] = found["updated_at"]
            path = f"{_POSTS}{quote(str(found['id']))}/?source=html"
            answer = await self._client.send("PUT", path, self._headers(), {"posts": [body]})
        post = _post(_accepted(answer))
        return Standing(str(post["id"]), str(post.get("url", "")), str(post.get("slug", article.slug)))

    async def hide(self, ghost_post_id: str) -> None:
        """Make the article a draft; one that is gone is hidden enough. Raises PublishError."""
        path = f"{_POSTS}{quote(ghost_post_id)}/"
        found = await self._find(path)
        if found is None or found.get("status") == "draft":
            return
        change = {"status": "draft", "updated_at": found["updated_at"]}
        answer = await self._client.send("PUT", path, self._headers(), {"posts": [change]})
        if _post(_accepted(answer)).get("status") != "draft":
            raise PublishError("transient", "Ghost answered, but the article may still be read.")

    async def delete(self, ghost_post_id: str) -> None:
        """Delete the article; one that is gone already is no error. Raises PublishError."""
        answer = await self._client.send("DELETE", f"{_POSTS}{quote(ghost_post_id)}/", self._headers())
        if answer.status != 404:
            _accepted(answer)

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._client.close()

    async def _find(self, path: str) -> dict[str, Any] | None:
        answer = await self._client.get(path, self._headers())
        return None if answer.status == 404 else _post(_accepted(answer))

    def _headers(self) -> dict[str, str]:
        now = int(time.time())
        claims = {"iat": now, "exp": now + _TOKEN_SECONDS, "aud": "/admin/"}
        token = jwt.encode(claims, self._secret, algorithm="HS256", headers={"kid": self._key_id})
        return {"Authorization": f"Ghost {token}", "Accept-Version": "v5.0"}


def _accepted(answer: http.Answer) -> http.Answer:
    match answer.status:
        case 200 | 201 | 204:
            return answer
        case 401 | 403:
            raise PublishError("disconnected", "Ghost does not accept the admin key; the operator has to set it anew.")
        case 409:
            raise PublishError("transient", "Somebody else changed the article on Ghost at the same time.")
        case 429:
            raise http.rate_limited(answer, "Ghost")
        case _:
            raise PublishError("bad_content", f"Ghost does not take the article: {answer.detail}.")


def _post(answer: http.Answer) -> dict[str, Any]:
    posts = answer.body.get("posts")
    if not isinstance(posts, list) or not posts or not isinstance(posts[0], dict) or "id" not in posts[0]:
        raise PublishError("transient", "Ghost did not answer as Ghost does; check its address.")
    found: dict[str, Any] = posts[0]
    return found
