"""Ghost's Admin API: an article is put up once, hidden, and deleted; images lie on the site itself.

Source: https://ghost.org/docs/admin-api/ (token authentication, posts, images).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import jwt

from services.publishing.connectors import http
from services.publishing.connectors.port import PublishError

_ADMIN: Final = "/ghost/api/admin/"
_POSTS: Final = f"{_ADMIN}posts/"
_KEY: Final = re.compile(r"([0-9a-f]+):((?:[0-9a-f]{2})+)")
_TOKEN_SECONDS: Final = 240  # Ghost takes tokens of at most five minutes
_NO_GHOST: Final = "There is no Ghost at this address; check it, without /ghost at its end."


@dataclass(frozen=True, slots=True)
class Article:
    """What Ghost is given. `slug` names it for good, so that publishing again finds what stands already.

    `feature_image` is an address on the site, with its description.
    """

    slug: str
    title: str
    html: str
    excerpt: str
    tags: tuple[str, ...]
    feature_image: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An article on Ghost; `status` is published, draft, scheduled or sent."""

    ghost_post_id: str
    url: str
    slug: str
    status: str = "published"


def is_admin_key(text: str) -> bool:
    """Whether this looks like an admin key as Ghost gives it, `id:secret`."""
    return _KEY.fullmatch(text) is not None


class Ghost:
    """One Ghost site. `admin_key` is `id:secret` as Ghost gives it; `timeout` in seconds a request."""

    def __init__(self, url: str, admin_key: str, timeout: float, client: http.Client | None = None) -> None:
        """With a `client` for whole URLs, its connections are used and stay open. Raises ValueError for no key."""
        known = _KEY.fullmatch(admin_key)
        if known is None:
            raise ValueError("Ghost's admin key is id:secret; copy it from the integration's page in Ghost's settings.")
        self._key_id, self._secret = known[1], bytes.fromhex(known[2])
        self._own = http.Client("Ghost", url, timeout) if client is None else None
        self._client = client or self._own or http.Client("Ghost", url, timeout)
        self._base = "" if client is None else url.rstrip("/")

    async def publish(self, article: Article) -> Standing:
        """Put the article up, or bring the one that stands to what it says now. Raises PublishError."""
        body: dict[str, Any] = {
            "title": article.title,
            "slug": article.slug,
            "html": article.html,
            "custom_excerpt": article.excerpt,
            "tags": [{"name": tag} for tag in article.tags],
            "status": "published",
        }
        if article.feature_image is not None:
            body["feature_image"], body["feature_image_alt"] = article.feature_image
        found = await self._find(f"{_POSTS}slug/{quote(article.slug)}/")
        if found is None:
            answer = await self._client.post(f"{self._base}{_POSTS}?source=html", self._headers(), {"posts": [body]})
        else:
            body["updated_at"] = found["updated_at"]
            path = f"{self._base}{_POSTS}{quote(str(found['id']))}/?source=html"
            answer = await self._client.send("PUT", path, self._headers(), {"posts": [body]})
        accepted = _accepted(answer)
        if accepted.body.get("errors"):
            raise _not_taken(accepted)
        if not _has_post(accepted):
            raise self._client.unknown("accepted the article but did not show it")
        return _standing(_post(accepted))

    async def standing(self, slug: str) -> Standing | None:
        """The article of this very slug, None where there is none. Raises PublishError."""
        found = await self._find(f"{_POSTS}slug/{quote(slug)}/")
        return None if found is None else _standing(found)

    async def hide(self, ghost_post_id: str) -> None:
        """Make the article a draft; one that is gone is hidden enough. Raises PublishError."""
        path = f"{_POSTS}{quote(ghost_post_id)}/"
        found = await self._find(path)
        if found is None or found.get("status") == "draft":
            return
        change = {"status": "draft", "updated_at": found["updated_at"]}
        answer = await self._client.send("PUT", self._base + path, self._headers(), {"posts": [change]})
        if _post(_accepted(answer)).get("status") != "draft":
            raise PublishError("transient", "Ghost answered, but the article may still be read.")

    async def delete(self, ghost_post_id: str) -> None:
        """Delete the article; one that is gone already is no error. Raises PublishError."""
        path = f"{self._base}{_POSTS}{quote(ghost_post_id)}/"
        answer = await self._client.send("DELETE", path, self._headers())
        if answer.status != 404:
            _accepted(answer)

    async def upload(self, image: bytes, content_type: str, name: str) -> str:
        """Put an image on the site; its address there. Raises PublishError."""
        form = aiohttp.FormData()
        form.add_field("file", image, filename=name, content_type=content_type)
        form.add_field("purpose", "image")
        path = f"{self._base}{_ADMIN}images/upload/"
        answer = await self._client.prepare("POST", path, self._headers(), form)
        if answer.status in (400, 413, 415, 422):
            raise PublishError("bad_content", f"Ghost does not take the image {name}: {answer.detail} Leave it out.")
        images = _accepted(answer).body.get("images")
        if isinstance(images, list) and images and isinstance(images[0], dict) and images[0].get("url"):
            return str(images[0]["url"])
        raise PublishError("transient", "Ghost took the image and did not say where it is. Try again in a minute.")

    async def title(self) -> str:
        """The site's name. Raises PublishError where the key opens nothing."""
        _accepted(await self._client.get(f"{self._base}{_POSTS}", self._headers(), {"limit": "1", "fields": "id"}))
        answer = _accepted(await self._client.get(f"{self._base}{_ADMIN}site/", self._headers()))
        site = answer.body.get("site")
        if not isinstance(site, dict):
            raise PublishError("disconnected", _NO_GHOST)
        return str(site.get("title", ""))

    async def close(self) -> None:
        """Close the HTTP session, if it is this one's own."""
        if self._own is not None:
            await self._own.close()

    async def _find(self, path: str) -> dict[str, Any] | None:
        answer = await self._client.get(self._base + path, self._headers())
        if answer.status == 404:
            if not answer.body.get("errors"):
                raise PublishError("disconnected", _NO_GHOST)
            return None
        return _post(_accepted(answer))

    def _headers(self) -> dict[str, str]:
        now = int(time.time())
        claims = {"iat": now, "exp": now + _TOKEN_SECONDS, "aud": "/admin/"}
        token = jwt.encode(claims, self._secret, algorithm="HS256", headers={"kid": self._key_id})
        return {"Authorization": f"Ghost {token}", "Accept-Version": "v5.0"}


def _accepted(answer: http.Answer) -> http.Answer:
    match answer.status:
        case 200 | 201 | 204:
            return answer
        case 301 | 302 | 307 | 308:
            there = answer.headers.get("Location", "elsewhere")[:200]
            raise PublishError("disconnected", f"Ghost sends its callers to {there}; connect that address instead.")
        case 401 | 403:
            raise PublishError(
                "disconnected",
                "Ghost does not accept the admin key. Make a new one in Ghost's settings under integrations; set it.",
            )
        case 404:
            raise PublishError("disconnected", _NO_GHOST)
        case 409:
            raise PublishError("transient", "Somebody else changed the article on Ghost at the same time.")
        case 429:
            raise http.rate_limited(answer, "Ghost")
        case _:
            raise _not_taken(answer)


def _not_taken(answer: http.Answer) -> PublishError:
    return PublishError("bad_content", f"Ghost does not take the article: {answer.detail} Change it, then retry.")


def _has_post(answer: http.Answer) -> bool:
    posts = answer.body.get("posts")
    return isinstance(posts, list) and bool(posts) and isinstance(posts[0], dict) and "id" in posts[0]


def _post(answer: http.Answer) -> dict[str, Any]:
    if not _has_post(answer):
        raise PublishError("transient", "Ghost did not answer as Ghost does; check its address.")
    found: dict[str, Any] = answer.body["posts"][0]
    return found


def _standing(post: dict[str, Any]) -> Standing:
    return Standing(str(post["id"]), str(post.get("url", "")), str(post.get("slug", "")), str(post.get("status", "")))
