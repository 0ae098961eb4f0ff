"""LinkedIn: a post on a member's or an organisation's feed (Posts API, versioned)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

import regex

from services.publishing.connectors import http
from services.publishing.connectors.figures import figure, objects, total, unclear
from services.publishing.connectors.fitting import check_images
from services.publishing.connectors.hashtags import WORD, with_hashtags
from services.publishing.connectors.port import Connection, Image, Post, Published, PublishError, Withheld
from services.publishing.domain.commands import Figures
from shared.platforms import PLATFORMS, Platform, measure

_KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif"})
_RESERVED: Final = regex.compile(r"([\\<>#~_|\[\]*(){}@])")


def little_text(text: str) -> str:
    """The text in LinkedIn's little text format: reserved characters escaped, `#word` as a hashtag template."""
    written, at = [], 0
    for tag in WORD.finditer(text):
        written += [_escape(text[at : tag.start()]), rf"{{hashtag|\#|{_escape(tag[1])}}}"]
        at = tag.end()
    return "".join((*written, _escape(text[at:])))


def _content(images: list[dict[str, str]]) -> dict[str, Any]:
    match images:
        case []:
            return {}
        case [image]:
            return {"content": {"media": image}}
        case _:
            return {"content": {"multiImage": {"images": images}}}


def _escape(text: str) -> str:
    return _RESERVED.sub(r"\\\1", text)


class LinkedInConnector:
    """Posts to LinkedIn. A member's token may not read posts back, so an unknown outcome stays unknown."""

    can_find = False

    def __init__(self, base_url: str, version: str, timeout: float, platform: Platform = PLATFORMS["linkedin"]) -> None:
        """`base_url` is the API's, as in https://api.linkedin.com; `version` as in 202610; `timeout` in seconds."""
        self._client = http.Client("LinkedIn", base_url, timeout)
        # LinkedIn names another host of its own for images; beside a stand-in that host is private, too.
        at_home = urlsplit(base_url).hostname == "api.linkedin.com"
        self._uploads = http.Client("LinkedIn", None, timeout, allow_private=not at_home)
        self._version = version
        self._platform = platform
        self._web = "https://www.linkedin.com" if at_home else base_url.rstrip("/") + "/linkedin"

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Post once. Raises PublishError."""
        headers = http.bearer(connection, "LinkedIn")
        assert connection is not None
        text = self._text(post)
        check_images(post, self._platform, "LinkedIn", _KINDS)
        author = await self._author(connection)
        versioned = self._versioned(headers)
        images = [await self._upload(image, author, versioned, connection) for image in post.images]
        body = {
            "author": author,
            "commentary": little_text(text),
            **_content(images),
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
        answer = await self._client.post("/rest/posts", versioned, body)
        if answer.status not in (200, 201):
            raise self._refused(answer, connection)
        if urn := answer.headers.get("x-restli-id"):
            return Published(urn, f"{self._web}/feed/update/{urn}", {"id": urn})
        if answer.body:
            raise PublishError(
                "bad_content", f"LinkedIn refuses the post: {answer.detail} Change the text, then retry."
            )
        raise self._client.unknown("accepted the post but named no id")

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """Always None: reading posts needs a permission LinkedIn gives to few."""
        return None

    async def measure(self, post_ids: Sequence[str], connection: Connection) -> Figures:
        """Reactions and comments (Social Metadata API); LinkedIn counts no shares there.

        Raises Withheld and PublishError.
        """
        headers = self._versioned(http.bearer(connection, "LinkedIn"))
        answer = await self._client.get(f"/rest/socialMetadata/{quote(post_ids[0], safe='')}", headers)
        match answer.status:
            case 200:
                reactions, comments = answer.body.get("reactionSummaries"), answer.body.get("commentSummary")
                if not isinstance(reactions, dict) or not isinstance(comments, dict):
                    raise unclear("LinkedIn")
                return Figures(total(objects([*reactions.values()]), "count"), figure(comments.get("count")))
            case 403:
                raise Withheld(
                    "LinkedIn shows figures only to apps that it has granted r_member_social, or r_organization_social "
                    "for the posts of an organisation."
                )
            case 404:
                raise Withheld("LinkedIn has the post no more.")
            case _:
                raise self._refused(answer, connection)

    def _versioned(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "LinkedIn-Version": self._version, "X-Restli-Protocol-Version": "2.0.0"}

    async def close(self) -> None:
        """Close the HTTP sessions."""
        await self._client.close()
        await self._uploads.close()

    async def _upload(
        self, image: Image, author: str, headers: dict[str, str], connection: Connection
    ) -> dict[str, str]:
        """The image as a post names it. Images that no post shows are seen by nobody."""
        asked = {"initializeUploadRequest": {"owner": author}}
        answer = await self._client.prepare("POST", "/rest/images?action=initializeUpload", headers, asked)
        if answer.status != 200:
            raise self._refused(answer, connection)
        value = answer.body.get("value")
        if not isinstance(value, dict) or not value.get("uploadUrl") or not value.get("image"):
            raise PublishError("transient", "LinkedIn did not say where the image goes. Try again in a minute.")
        kept = await self._uploads.prepare(
            "PUT",
            str(value["uploadUrl"]),
            {"Authorization": headers["Authorization"], "Content-Type": image.content_type},
            image.data,
        )
        if kept.status not in (200, 201):
            raise self._refused(kept, connection)
        return {"id": str(value["image"]), "altText": image.alt_text}

    def _text(self, post: Post) -> str:
        text = with_hashtags(post.content, post.hashtags)
        if not text:
            raise PublishError("bad_content", "The post is empty. Write something, then publish again.")
        length, limit = measure(self._platform, text), self._platform.max_length
        if limit is not None and length > limit:
            raise PublishError(
                "bad_content",
                f"The post has {length} characters with its hashtags, LinkedIn takes {limit}. Shorten it.",
            )
        return text

    async def _author(self, connection: Connection) -> str:
        if urn := connection.settings.get("author_urn"):
            return str(urn)
        answer = await self._client.get("/v2/userinfo", http.bearer(connection, "LinkedIn"))
        if answer.status != 200:
            raise self._refused(answer, connection)
        if not (subject := answer.body.get("sub")):
            raise PublishError("disconnected", "LinkedIn did not say who you are. Connect LinkedIn again with openid.")
        return f"urn:li:person:{subject}"

    def _refused(self, answer: http.Answer, connection: Connection) -> PublishError:
        code: Any = answer.body.get("code")
        match answer.status:
            case 401:
                return http.unauthorized(connection, "LinkedIn", expired=code == "EXPIRED_ACCESS_TOKEN")
            case 403:
                return PublishError(
                    "disconnected",
                    f"LinkedIn does not let this connection post: {answer.detail} "
                    "Connect it again with w_member_social.",
                )
            case 429:
                return http.rate_limited(answer, "LinkedIn", "x-ratelimit-reset")
            case 426:
                return self._wrong_version(answer)
            case 400 if code == "VERSION_MISSING":
                return self._wrong_version(answer)
            case status if 400 <= status < 500:
                return PublishError(
                    "bad_content", f"LinkedIn refuses the post: {answer.detail} Change the text, then retry."
                )
            case status:
                return PublishError(
                    "transient", f"LinkedIn answered {status}. Check the LinkedIn address in the settings, then retry."
                )

    def _wrong_version(self, answer: http.Answer) -> PublishError:
        return PublishError(
            "transient",
            f"LinkedIn does not serve version {self._version or '(none)'}: {answer.detail} "
            "Set the LinkedIn version to a month of this year, then retry.",
        )
