"""What a connector is: it puts one post on one platform, and can say afterwards whether it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from services.publishing.domain.commands import Figures

ErrorClass = Literal["refresh_token", "bad_content", "disconnected", "rate_limited", "transient", "outcome_unknown"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image to publish with a post. `content_type` is image/png, image/jpeg, image/gif or image/webp."""

    data: bytes = field(repr=False)
    content_type: str
    alt_text: str
    name: str


@dataclass(frozen=True, slots=True)
class Post:
    """What to publish. `content` is Markdown for the blog and Ghost, else plain text; `hashtags` with or without sign.

    `language` is an ISO 639 code, empty where nobody knows. `published_at` is when it is due, `asked_at` when the job
    was made, which never changes (None: when it is due).
    """

    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    title: str
    content: str
    hashtags: tuple[str, ...]
    published_at: datetime
    asked_at: datetime | None = None
    images: tuple[Image, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """A user's account on a platform.

    `settings` may hold `user_id` (X), `author_urn` (LinkedIn), `max_length` and `language`. A `renewable` one has a
    refresh token. `access_token` is an app password on Bluesky and an admin key on Ghost.
    """

    id: UUID
    platform: str
    instance_url: str | None
    username: str | None
    access_token: str = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    renewable: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """Where the post stands: the platform's id of it, its public address, and what the platform answered.

    `response` names the posts of a thread as `ids` (X) or `uris` (Bluesky).
    """

    platform_post_id: str
    url: str
    response: dict[str, Any]


class PublishError(Exception):
    """Why a post is not known to be published, and what to do next.

    - `refresh_token`: the token is over; renew it, or connect the account again. Nothing was posted.
    - `bad_content`: the platform refuses this text; change it. Nothing was posted.
    - `disconnected`: no account, or one that may not post; connect it again. Nothing was posted.
    - `rate_limited`: wait until `retry_at`. Nothing was posted.
    - `transient`: nothing was sent or accepted; try again.
    - `outcome_unknown`: the request was sent and its outcome is not known; `find` the post before anything else.

    Of a thread the first posts may stand already; publishing the same post again goes on after them.
    """

    def __init__(self, error_class: ErrorClass, reason: str, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.error_class: ErrorClass = error_class
        self.reason = reason
        self.retry_at = retry_at


class Connector(Protocol):
    """One platform. Safe to share between tasks of one event loop."""

    can_find: bool
    """Whether `None` from `find` is a sure no."""

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Publish once, without retrying a mutation. Raises PublishError."""
        ...

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """Look the post up after an unknown outcome. Changes nothing on the platform. Raises PublishError."""
        ...

    async def close(self) -> None:
        """Let go of connections; the connector cannot be used afterwards."""
        ...


class Withheld(Exception):
    """The platform does not tell this account how its posts are doing, or has the post no more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@runtime_checkable
class Measuring(Protocol):
    """A platform that says how a post is doing."""

    async def measure(self, post_ids: Sequence[str], connection: Connection) -> Figures:
        """The figures of a post, or of a thread as one: `post_ids` are its posts in order.

        Changes nothing on the platform. Raises Withheld, and PublishError as `Connector.find` does.
        """
        ...
