"""What the sandbox remembers: accounts, posts, rate windows and the faults it was asked for."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import regex
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from tests.sandbox.oauth import LogIns

FaultKind = Literal[
    "timeout_after_accept", "http_500", "500_after_accept", "429_without_reset", "200_with_error", "slow"
]
_FIRST_ID = 1_800_000_000_000_000_000


class Fault(BaseModel):
    """The next `count` creations on `platform` go wrong in this way; `seconds` is what slowness lasts."""

    platform: Literal["x", "linkedin"]
    kind: FaultKind
    count: int = Field(default=1, ge=1)
    seconds: float = Field(default=30, gt=0, le=120)


@dataclass(frozen=True, slots=True)
class Account:
    """Who a token belongs to. Every token beginning with `sandbox-` is an account of its own."""

    name: str
    number: str


@dataclass(slots=True)
class SandboxPost:
    """One accepted post."""

    platform: str
    id: str
    user_id: str
    username: str
    text: str
    in_reply_to: str | None
    created_at: str
    url: str
    raw: dict[str, Any] = field(default_factory=dict)


class Figures(BaseModel):
    """How a post is doing from here on; `post_id` as its platform names it, an `at://` address on Bluesky."""

    post_id: str
    likes: int = 0
    comments: int = 0
    shares: int = 0
    quotes: int = 0
    views: int = 0


class Window:
    """At most `limit` calls in `seconds`, by account."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds
        self._calls: dict[str, tuple[int, float]] = {}

    def take(self, who: str) -> tuple[bool, int, int]:
        """(allowed, calls remaining, epoch second of the reset)."""
        now = time.time()
        used, reset = self._calls.get(who, (0, 0.0))
        if now >= reset:
            used, reset = 0, now + self._seconds
        allowed = used < self.limit
        self._calls[who] = (used + allowed, reset)
        return allowed, self.limit - used - allowed, int(reset) + 1

    def clear(self) -> None:
        """Forget every call."""
        self._calls.clear()


class Sandbox:
    """Everything the sandbox knows, in memory."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.x_creates = Window(100, 15 * 60)
        self.x_reads = Window(900, 15 * 60)
        self.linkedin_creates = Window(150, 24 * 3600)
        self.log_ins = LogIns()
        self.posts: list[SandboxPost] = []
        self.images: dict[str, bytes | None] = {}
        self.alt_texts: dict[str, str] = {}
        self.figures: dict[str, Figures] = {}
        self._faults: dict[str, list[Fault]] = defaultdict(list)
        self._next = _FIRST_ID

    def reset(self) -> None:
        """Forget everything but the accounts, which derive from their tokens."""
        self.posts.clear()
        self.images.clear()
        self.alt_texts.clear()
        self.figures.clear()
        self._faults.clear()
        self.x_creates.clear()
        self.x_reads.clear()
        self.linkedin_creates.clear()

    def new_id(self) -> str:
        """Ids rise, as the platforms' do."""
        self._next += 1
        return str(self._next)

    def accept(self, platform: str, account: Account, text: str, url: Callable[[str], str], **more: Any) -> SandboxPost:
        """Take a post; `url` gets its id."""
        identity = more.pop("id", None) or self.new_id()
        post = SandboxPost(
            platform=platform,
            id=identity,
            user_id=account.number,
            username=account.name,
            text=text,
            in_reply_to=more.pop("in_reply_to", None),
            created_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            url=self.base_url + url(identity),
            raw=more,
        )
        self.posts.append(post)
        return post

    def of(self, platform: str, user_id: str | None = None) -> list[SandboxPost]:
        """The accepted posts of a platform, of one user or all, oldest first."""
        return [p for p in self.posts if p.platform == platform and user_id in (None, p.user_id)]

    def doing(self, post_id: str) -> Figures:
        """How a post is doing; what nobody set is 0, and posts that answer it count."""
        told = self.figures.get(post_id, Figures(post_id=post_id))
        answers = sum(1 for post in self.posts if post.in_reply_to == post_id)
        return told.model_copy(update={"comments": told.comments + answers})

    def listed(self) -> list[dict[str, Any]]:
        """Every accepted post as JSON, oldest first."""
        return [asdict(post) for post in self.posts]

    def order(self, fault: Fault) -> None:
        """Queue a fault."""
        self._faults[fault.platform] += [fault] * fault.count

    def next_fault(self, platform: str) -> Fault | None:
        """The fault this creation meets, if any."""
        queue = self._faults[platform]
        return queue.pop(0) if queue else None


def account_of(token: str) -> Account:
    """The account of a token: name and number derive from it."""
    token = token.partition("~")[0]  # what follows tells the tokens of one account apart
    name = regex.sub(r"\W", "_", token.removeprefix("sandbox-"))[:15] or "sandbox"
    return Account(name, str(int.from_bytes(hashlib.sha256(token.encode()).digest()[:6], "big")))


def token_of(request: Request) -> str | None:
    """The bearer token of a request, None when there is none of the sandbox's."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token.startswith("sandbox-") else None


async def met(fault: Fault | None, request: Request) -> Response | None:
    """What a fault answers before the post is looked at; None when it goes on."""
    match fault:
        case Fault(kind="http_500"):
            return JSONResponse({"title": "Internal Server Error", "status": 500}, 500)
        case Fault(kind="429_without_reset"):
            return JSONResponse({"title": "Too Many Requests", "status": 429, "detail": "Too Many Requests"}, 429)
        case Fault(kind="200_with_error"):
            return JSONResponse(
                {"errors": [{"title": "Invalid Request", "detail": "Something about this post is wrong."}]}
            )
        case Fault(kind="slow", seconds=seconds):
            await _until_gone(request, seconds)
    return None


async def met_afterwards(fault: Fault | None, request: Request) -> Response | None:
    """What a fault answers after the post was accepted; None when it goes on."""
    match fault:
        case Fault(kind="timeout_after_accept", seconds=seconds):
            await _until_gone(request, seconds)
            return Response(status_code=504)
        case Fault(kind="500_after_accept"):
            return JSONResponse({"title": "Internal Server Error", "status": 500}, 500)
    return None


async def _until_gone(request: Request, seconds: float) -> None:
    """Wait `seconds`, or until the client hangs up."""
    await request.body()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
