"""X: a post, or a thread when the text is longer than one post holds (X API v2, OAuth 2 user token)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import urlsplit

import aiohttp

from services.publishing.connectors import http
from services.publishing.connectors.figures import figure, objects, total, unclear
from services.publishing.connectors.fitting import check_images
from services.publishing.connectors.hashtags import with_hashtags
from services.publishing.connectors.port import Connection, Image, Post, Published, PublishError, Withheld
from services.publishing.domain.commands import Figures
from shared.platforms import PLATFORMS, Platform, split_thread
from shared.weighted_text import url_spans

# A thread longer than what one user may create in one window (15 minutes) would stop in the middle.
_KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LONGEST_THREAD: Final = 100
_LOOK_BACK: Final = timedelta(days=1)
_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class _Account:
    id: str
    username: str


class XConnector:
    """Posts to X. `find` reads the account's own posts of the last day, so its no is sure."""

    can_find = True

    def __init__(self, base_url: str, timeout: float, platform: Platform = PLATFORMS["x"]) -> None:
        """`base_url` is the API's, as in https://api.x.com; `timeout` in seconds for one request."""
        self._client = http.Client("X", base_url, timeout)
        self._platform = platform
        at_x = urlsplit(base_url).hostname in {"api.x.com", "api.twitter.com"}
        self._web = "https://x.com" if at_x else base_url.rstrip("/") + "/x"

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Post, or go on with a thread whose first posts stand already. Raises PublishError."""
        headers = http.bearer(connection, "X")
        assert connection is not None
        parts = self._parts(post, connection)
        check_images(post, self._platform, "X", _KINDS)
        account = await self._account(connection) if len(parts) > 1 or not connection.username else None
        ids = await self._standing(parts, post, connection, account) if account and len(parts) > 1 else []
        media = [] if ids else [await self._upload(image, headers, connection) for image in post.images]
        for part in parts[len(ids) :]:
            ids.append(await self._create(part, ids[-1] if ids else None, [] if ids else media, headers, connection))
        return self._published(ids, account.username if account else connection.username)

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """The post or whole thread among the account's own posts of the last day. Raises PublishError."""
        http.bearer(connection, "X")
        assert connection is not None
        parts = self._parts(post, connection)
        account = await self._account(connection)
        ids = await self._standing(parts, post, connection, account)
        return self._published(ids, account.username) if len(ids) == len(parts) else None

    async def measure(self, post_ids: Sequence[str], connection: Connection) -> Figures:
        """The public metrics of a post, a thread's together. Raises Withheld and PublishError."""
        params = {"ids": ",".join(post_ids), "tweet.fields": "public_metrics"}
        answer = await self._client.get("/2/tweets", http.bearer(connection, "X"), params)
        if answer.status == 403:
            raise Withheld(f"X does not let this connection read posts: {answer.detail} Connect X with tweet.read.")
        if answer.status != 200:
            raise self._refused(answer, connection)
        tweets = {str(tweet.get("id")): tweet.get("public_metrics") for tweet in objects(answer.body.get("data"))}
        found = {each: metrics for each, metrics in tweets.items() if isinstance(metrics, dict)}
        if post_ids[0] not in found:
            gone = {str(error.get("resource_id")) for error in objects(answer.body.get("errors"))}
            raise Withheld("X has the post no more.") if post_ids[0] in gone else unclear("X")
        posts, first = found.values(), found[post_ids[0]]
        return Figures(
            likes=total(posts, "like_count"),
            # Each post of a thread answers the one before.
            comments=max(0, total(posts, "reply_count") - (len(found) - 1)),
            shares=total(posts, "retweet_count"),
            quotes=total(posts, "quote_count"),
            views=figure(first["impression_count"]) if "impression_count" in first else None,
        )

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._client.close()

    def _parts(self, post: Post, connection: Connection) -> list[str]:
        limit = int(connection.settings.get("max_length") or self._platform.max_length or 280)
        parts = split_thread(with_hashtags(post.content, post.hashtags), limit, self._platform)
        if not parts:
            raise PublishError("bad_content", "The post is empty. Write something, then publish again.")
        if len(parts) > _LONGEST_THREAD:
            raise PublishError(
                "bad_content",
                f"The text needs {len(parts)} posts, and a thread has at most {_LONGEST_THREAD}. Shorten it.",
            )
        if len({_skeleton(part) for part in parts}) < len(parts):
            raise PublishError("bad_content", "Two posts of the thread would be the same, which X refuses. Reword one.")
        return parts

    async def _upload(self, image: Image, headers: dict[str, str], connection: Connection) -> str:
        """The id of the image with its alternative text. Images that no post shows are dropped by X."""
        form = aiohttp.FormData()
        form.add_field("media", image.data, filename=image.name, content_type=image.content_type)
        form.add_field("media_category", "tweet_gif" if image.content_type == "image/gif" else "tweet_image")
        form.add_field("media_type", image.content_type)
        answer = await self._client.prepare("POST", "/2/media/upload", headers, form)
        data = answer.body.get("data")
        if answer.status not in (200, 201, 202) or not isinstance(data, dict) or not data.get("id"):
            raise self._refused_image(answer, connection)
        described = {"id": str(data["id"]), "metadata": {"alt_text": {"text": image.alt_text}}}
        answer = await self._client.prepare("POST", "/2/media/metadata", headers, described)
        if answer.status not in (200, 201) or answer.body.get("errors"):
            raise self._refused_image(answer, connection)
        return str(data["id"])

    def _refused_image(self, answer: http.Answer, connection: Connection) -> PublishError:
        if answer.status in (401, 429):
            return self._refused(answer, connection)
        if answer.status == 403:
            return PublishError(
                "disconnected",
                f"X does not let this connection send images: {answer.detail} Connect X again with media.write.",
            )
        return PublishError(
            "bad_content", f"X refuses an image: {answer.detail} Leave it out or change it, then retry."
        )

    async def _create(
        self, text: str, reply_to: str | None, media: list[str], headers: dict[str, str], connection: Connection
    ) -> str:
        more: dict[str, Any] = {"reply": {"in_reply_to_tweet_id": reply_to}} if reply_to else {}
        if media:
            more["media"] = {"media_ids": media}
        answer = await self._client.post("/2/tweets", headers, {"text": text, **more})
        if answer.status in (200, 201):
            data = answer.body.get("data")
            if isinstance(data, dict) and data.get("id"):
                return str(data["id"])
            if answer.body.get("errors") or answer.body.get("detail"):
                raise PublishError("bad_content", f"X refuses the post: {answer.detail} Change the text, then retry.")
            raise self._client.unknown("accepted the post but named no id")
        raise self._refused(answer, connection)

    async def _account(self, connection: Connection) -> _Account:
        if connection.username and (known := connection.settings.get("user_id")):
            return _Account(str(known), connection.username)
        data = (await self._read("/2/users/me", {}, connection)).get("data") or {}
        if not data.get("id"):
            raise PublishError("transient", "X did not say whose account this is. Try again in a minute.")
        return _Account(str(data["id"]), str(data.get("username", "i")))

    async def _standing(self, parts: list[str], post: Post, connection: Connection, account: _Account) -> list[str]:
        """The ids of the first posts of the thread that are published, as far as each answers the one before."""
        wanted = {_skeleton(part) for part in parts}
        mine = [tweet for tweet in await self._recent(post, connection, account) if _skeleton_of(tweet) in wanted]
        ids: list[str] = []
        for part in parts:
            before = ids[-1] if ids else None
            found = [t for t in mine if _skeleton_of(t) == _skeleton(part) and _replies_to(t) == before]
            if not found:
                break
            ids.append(str(found[-1]["id"]))
        return ids

    async def _recent(self, post: Post, connection: Connection, account: _Account) -> list[dict[str, Any]]:
        """The account's posts since a day before the post was due, newest first."""
        since = (post.published_at.astimezone(UTC) - _LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {"max_results": "100", "tweet.fields": "created_at,referenced_tweets,entities", "start_time": since}
        tweets: list[dict[str, Any]] = []
        for _ in range(_PAGES):
            page = await self._read(f"/2/users/{account.id}/tweets", params, connection)
            tweets += page.get("data") or []
            if not (token := (page.get("meta") or {}).get("next_token")):
                return tweets
            params["pagination_token"] = str(token)
        raise PublishError(
            "transient", "Your X account has too many posts to look this one up. Check it on X yourself."
        )

    async def _read(self, path: str, params: dict[str, str], connection: Connection) -> dict[str, Any]:
        answer = await self._client.get(path, http.bearer(connection, "X"), params)
        if answer.status == 200:
            return answer.body
        raise self._refused(answer, connection)

    def _refused(self, answer: http.Answer, connection: Connection) -> PublishError:
        match answer.status:
            case 401:
                return http.unauthorized(connection, "X", expired=False)
            case 429:
                daily = answer.headers.get("x-user-limit-24hour-remaining") == "0"
                return http.rate_limited(
                    answer, "X", "x-rate-limit-reset", *(["x-user-limit-24hour-reset"] if daily else [])
                )
            case 403 if "duplicate" in answer.detail.lower():
                return PublishError(
                    "bad_content", "X has this very text from you already. Reword it, then publish again."
                )
            case 403 if _lacks_permission(answer):
                return PublishError(
                    "disconnected",
                    f"X does not let this connection post: {answer.detail} Connect X again with tweet.write.",
                )
            case status if 400 <= status < 500:
                return PublishError("bad_content", f"X refuses the post: {answer.detail} Change the text, then retry.")
            case status:
                return PublishError(
                    "transient", f"X answered {status}. Check the X address in the settings, then retry."
                )

    def _published(self, ids: list[str], username: str | None) -> Published:
        name = (username or "i").removeprefix("@")
        return Published(ids[0], f"{self._web}/{name}/status/{ids[0]}", {"ids": ids})


def _lacks_permission(answer: http.Answer) -> bool:
    kind = str(answer.body.get("type", ""))
    return kind.endswith(("client-forbidden", "oauth1-permissions", "not-authorized-for-resource")) or (
        "not permitted" in answer.detail.lower()
    )


def _replies_to(tweet: dict[str, Any]) -> str | None:
    references = tweet.get("referenced_tweets") or []
    return next((str(r["id"]) for r in references if r.get("type") == "replied_to"), None)


def _skeleton(text: str) -> str:
    """The text without what X rewrites: links become t.co links, white space at the ends goes."""
    text = normalize("NFC", text)
    kept, at = [], 0
    for start, end in url_spans(text):
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return " ".join("\0".join(kept).split())


def _skeleton_of(tweet: dict[str, Any]) -> str:
    return _skeleton(html.unescape(str(tweet.get("text", ""))))
