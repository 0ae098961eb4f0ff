"""Bluesky: a post, or a thread when the text is longer than one post holds (AT Protocol, app password).

A post's key derives from its job, and is written only where nothing stands: the same post is never there twice, and
looking it up is exact. Source: https://docs.bsky.app/docs/advanced-guides/posts, lexicons com.atproto.repo.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from unicodedata import normalize
from uuid import UUID

from services.publishing.connectors import http
from services.publishing.connectors.figures import objects, total, unclear
from services.publishing.connectors.fitting import check_images
from services.publishing.connectors.hashtags import with_hashtags
from services.publishing.connectors.port import Connection, Image, Post, Published, PublishError, Withheld
from services.publishing.connectors.richtext import facets
from services.publishing.connectors.tid import tid
from services.publishing.domain.commands import Figures
from shared.platforms import PLATFORMS, Platform, measure
from shared.threads import split

_POST: Final = "app.bsky.feed.post"
_MOST_BYTES: Final = 3000
_KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LONGEST_THREAD: Final = 100
_MOST_URIS: Final = 25  # of posts that are looked at together
_MOST_SESSIONS: Final = 10_000
_STALE: Final = frozenset({"ExpiredToken", "InvalidToken"})


@dataclass(frozen=True, slots=True)
class _Session:
    """An open log-in, for as long as the app password is the same."""

    app_password: str
    did: str
    handle: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Standing:
    uri: str
    cid: str

    @property
    def reference(self) -> dict[str, str]:
        return {"uri": self.uri, "cid": self.cid}


class BlueskyConnector:
    """Posts to the personal data server of each connection. Its `find` asks for the very key, so its no is sure."""

    can_find = True

    def __init__(
        self, timeout: float, platform: Platform = PLATFORMS["bluesky"], *, allow_private: bool = False
    ) -> None:
        """`timeout` in seconds for one request; `allow_private` for tests and demonstrations."""
        self._client = http.Client("Bluesky", None, timeout, allow_private=allow_private)
        self._platform = platform
        self._sessions: dict[UUID, _Session] = {}

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Post, or go on with a thread whose first posts stand already. Raises PublishError."""
        parts = self._parts(post)
        connection = _connected(connection)
        check_images(post, self._platform, "Bluesky", _KINDS)
        session = await self._session(connection)
        images = [await self._upload(connection, image) for image in post.images]
        standing: list[_Standing] = []
        for number, part in enumerate(parts):
            record: dict[str, Any] = {
                "$type": _POST,
                "text": part,
                "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            if post.language:
                record["langs"] = [post.language]
            if marked := facets(part):
                record["facets"] = marked
            if images and not standing:
                record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
            if standing:
                record["reply"] = {"root": standing[0].reference, "parent": standing[-1].reference}
            standing.append(await self._put(connection, session.did, _key(post, number), record))
        return _published(standing, session)

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """The post, or the whole thread, where it would stand. Raises PublishError."""
        parts = self._parts(post)
        connection = _connected(connection)
        session = await self._session(connection)
        standing: list[_Standing] = []
        for number in range(len(parts)):
            found = await self._read(connection, session.did, _key(post, number))
            if found is None:
                return None
            standing.append(found)
        return _published(standing, session)

    async def measure(self, post_ids: Sequence[str], connection: Connection) -> Figures:
        """What the app view that the account's server asks has counted, a thread's posts together.

        Raises Withheld and PublishError; a server without an app view is `transient`.
        """
        found: dict[str, dict[str, Any]] = {}
        for at in range(0, len(post_ids), _MOST_URIS):
            uris = [("uris", uri) for uri in post_ids[at : at + _MOST_URIS]]
            answer = await self._looked(connection, "app.bsky.feed.getPosts", uris)
            if answer.status == 429:
                raise http.rate_limited(answer, "Bluesky", "ratelimit-reset")
            if answer.status != 200:
                # The session is good: it is the app view behind the server that does not answer.
                raise PublishError("transient", f"Bluesky does not say how posts are doing: {answer.detail}")
            if not isinstance(answer.body.get("posts"), list):
                raise unclear("Bluesky")
            found |= {str(post.get("uri")): post for post in objects(answer.body["posts"])}
        if post_ids[0] not in found:
            raise Withheld("Bluesky has the post no more.")
        posts = found.values()
        return Figures(
            likes=total(posts, "likeCount"),
            # Each post of a thread answers the one before.
            comments=max(0, total(posts, "replyCount") - (len(found) - 1)),
            shares=total(posts, "repostCount"),
            quotes=total(posts, "quoteCount"),
        )

    async def whose(self, connection: Connection) -> str:
        """The handle of the account. Raises PublishError when the server does not accept the app password."""
        self._sessions.pop(connection.id, None)
        return (await self._session(connection)).handle

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._client.close()

    def _parts(self, post: Post) -> list[str]:
        limit = self._platform.max_length or 300
        text = normalize("NFC", with_hashtags(post.content, post.hashtags))
        parts = split(text, lambda part: measure(self._platform, part) <= limit and len(part.encode()) <= _MOST_BYTES)
        if not parts:
            raise PublishError("bad_content", "The post is empty. Write something, then publish again.")
        if len(parts) > _LONGEST_THREAD:
            raise PublishError(
                "bad_content",
                f"The text needs {len(parts)} posts, and a thread has at most {_LONGEST_THREAD}. Shorten it.",
            )
        return parts

    async def _put(self, connection: Connection, did: str, key: str, record: dict[str, Any]) -> _Standing:
        """Write the record unless it stands already."""
        body = {"repo": did, "collection": _POST, "rkey": key, "record": record, "swapRecord": None}
        answer = await self._opened(connection, "com.atproto.repo.putRecord", body)
        if answer.body.get("error") == "InvalidSwap":
            found = await self._read(connection, did, key)
            if found is None:
                raise PublishError("transient", "Bluesky changed while the post was written. Try again in a minute.")
            return found
        if answer.status != 200:
            raise self._refused(answer)
        if "error" in answer.body:
            raise PublishError("bad_content", f"Bluesky refuses the post: {answer.detail} Change the text, then retry.")
        return self._standing(answer) or self._lost()

    async def _upload(self, connection: Connection, image: Image) -> dict[str, Any]:
        """The image as a post embeds it. Bytes that no post embeds are dropped by the server."""
        answer = await self._opened(connection, "com.atproto.repo.uploadBlob", image.data, image.content_type)
        if answer.status != 200:
            raise self._refused(answer)
        if not isinstance(blob := answer.body.get("blob"), dict):
            raise PublishError("transient", "Bluesky took the image and did not say how to name it. Try again.")
        return {"alt": image.alt_text, "image": blob}

    def _lost(self) -> _Standing:
        raise self._client.unknown("accepted the post but named no address")

    async def _read(self, connection: Connection, did: str, key: str) -> _Standing | None:
        params = {"repo": did, "collection": _POST, "rkey": key}
        url = _url(connection, "com.atproto.repo.getRecord")
        answer = await self._client.get(url, {}, params)
        if answer.status in (400, 404) and answer.body.get("error") == "RecordNotFound":
            return None
        if answer.status != 200 or (found := self._standing(answer)) is None:
            raise self._refused(answer)
        return found

    def _standing(self, answer: http.Answer) -> _Standing | None:
        uri, cid = answer.body.get("uri"), answer.body.get("cid")
        return _Standing(uri, cid) if isinstance(uri, str) and isinstance(cid, str) else None

    async def _opened(self, connection: Connection, method: str, body: http.Body, kind: str = "") -> http.Answer:
        """One call with an open session; where the session is over nothing was done, and it is opened anew once."""
        more = {"Content-Type": kind} if kind else {}
        url = _url(connection, method)

        async def call(opened: dict[str, str]) -> http.Answer:
            headers = {**opened, **more}
            # Bytes of an image are seen by nobody until a post embeds them.
            return await (
                self._client.prepare("POST", url, headers, body) if kind else self._client.post(url, headers, body)
            )

        return await self._in_a_session(connection, call)

    async def _looked(self, connection: Connection, method: str, params: http.Params) -> http.Answer:
        """One look with an open session."""
        url = _url(connection, method)
        return await self._in_a_session(connection, lambda opened: self._client.get(url, opened, params))

    async def _in_a_session(
        self, connection: Connection, call: Callable[[dict[str, str]], Awaitable[http.Answer]]
    ) -> http.Answer:
        answer = await call((await self._session(connection)).headers)
        if answer.status in (400, 401) and answer.body.get("error") in _STALE:
            self._sessions.pop(connection.id, None)
            answer = await call((await self._session(connection)).headers)
        return answer

    async def _session(self, connection: Connection) -> _Session:
        known = self._sessions.get(connection.id)
        if known is not None and known.app_password == connection.access_token:
            return known
        body = {"identifier": (connection.username or "").removeprefix("@"), "password": connection.access_token}
        url = _url(connection, "com.atproto.server.createSession")
        answer = await self._client.prepare("POST", url, {}, body)
        if answer.status != 200:
            raise self._refused(answer)
        did, token = answer.body.get("did"), answer.body.get("accessJwt")
        if not isinstance(did, str) or not isinstance(token, str):
            raise PublishError("disconnected", "The server does not answer as Bluesky does; check its address.")
        handle = str(answer.body.get("handle") or did)
        session = _Session(connection.access_token, did, handle, {"Authorization": f"Bearer {token}"})
        if len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[connection.id] = session
        return session

    def _refused(self, answer: http.Answer) -> PublishError:
        match answer.status:
            case 401 if answer.body.get("error") == "AuthFactorTokenRequired":
                return PublishError(
                    "disconnected",
                    "Bluesky asks for a second factor. Make an app password in Bluesky's settings and connect with it.",
                )
            case 401:
                return PublishError(
                    "disconnected",
                    "Bluesky does not accept the handle with this app password. Connect Bluesky again, then retry.",
                )
            case 403:
                return PublishError(
                    "disconnected", f"Bluesky does not let this account post: {answer.detail} Look there, then retry."
                )
            case 429:
                return http.rate_limited(answer, "Bluesky", "ratelimit-reset")
            case 413:
                return PublishError("bad_content", "Bluesky takes no post of this size. Shorten it, then retry.")
            case status if 400 <= status < 500:
                if answer.body.get("error") in ("AccountTakedown", "AccountSuspended", "AccountDeactivated"):
                    return PublishError("disconnected", f"Bluesky has closed this account: {answer.detail}")
                return PublishError(
                    "bad_content", f"Bluesky refuses the post: {answer.detail} Change the text, then retry."
                )
            case status:
                return PublishError(
                    "transient", f"Bluesky answered {status}. Check the connection's address, then retry."
                )


def _published(standing: list[_Standing], session: _Session) -> Published:
    key = standing[0].uri.rpartition("/")[2]
    url = f"https://bsky.app/profile/{session.handle}/post/{key}"
    return Published(standing[0].uri, url, {"uris": [each.uri for each in standing]})


def _connected(connection: Connection | None) -> Connection:
    if connection is None or not connection.access_token:
        raise PublishError("disconnected", "No Bluesky account is connected. Connect one, then publish again.")
    return connection


def _url(connection: Connection, method: str) -> str:
    return f"{connection.instance_url}/xrpc/{method}"


def _key(post: Post, part: int) -> str:
    return tid(post.job_id, post.asked_at or post.published_at, part)
