"""A collected post: taken in once, enriched, published on Ghost, and taken down: hidden at once, removed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import (
    CollectedMedia,
    PostCollected,
    PostEnriched,
    PostErased,
    PostProcessed,
    PostPublicationFailed,
    PostPublicationRequested,
    PostPublished,
    PostRemovalFailed,
    PostRemoved,
    PostUnpublished,
    PostUnpublishFailed,
    TakedownRequested,
)
from shared.decider import Conflict, Decider, NotFound
from shared.ids import derive

NO_POST = "There is no such post; list your posts to see which there are."


@dataclass(frozen=True, slots=True)
class CollectPost:
    user_id: UUID
    reddit_post_id: str
    title: str
    subreddit: str
    score: int
    num_comments: int
    created_ts: datetime
    url: str
    text: str = ""
    media: tuple[str, ...] = ()  # addresses of what the post shows

    @property
    def post_id(self) -> UUID:
        """The same for the same Reddit post, whoever collects it."""
        return derive("reddit_post", self.reddit_post_id)


@dataclass(frozen=True, slots=True)
class EnrichPost:
    """What generation has made of the post."""

    post_id: UUID
    summary_ko: str
    tags: tuple[str, ...]
    pain_points: tuple[Mapping[str, Any], ...]
    product_ideas: tuple[Mapping[str, Any], ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class NoteProcessing:
    """Another service has done its part."""

    post_id: UUID
    service_name: str
    status: Literal["completed", "failed"]
    error_message: str | None = None
    processing_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RequestPublication:
    post_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RecordPublication:
    post_id: UUID
    turn: int
    ghost_post_id: str
    ghost_url: str
    ghost_slug: str
    published_at: datetime
    processing_time_ms: int


@dataclass(frozen=True, slots=True)
class RecordPublicationFailure:
    post_id: UUID
    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class RequestTakedown:
    """`user_id`: who asks; the owner, or with `moderates` anybody's post may be named."""

    post_id: UUID
    user_id: UUID
    moderates: bool
    reason: str
    remove_after: datetime


@dataclass(frozen=True, slots=True)
class RecordUnpublished:
    post_id: UUID
    processing_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RecordUnpublishFailure:
    post_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class RecordRemoved:
    post_id: UUID


@dataclass(frozen=True, slots=True)
class RecordRemovalFailure:
    post_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ErasePost:
    """Its owner is gone."""

    post_id: UUID


COMMANDS = (
    CollectPost,
    EnrichPost,
    NoteProcessing,
    RequestPublication,
    RecordPublication,
    RecordPublicationFailure,
    RequestTakedown,
    RecordUnpublished,
    RecordUnpublishFailure,
    RecordRemoved,
    RecordRemovalFailure,
    ErasePost,
)


@dataclass(frozen=True, slots=True)
class Post:
    """`publication` is about the newest article; `ghost_post_id` names the one that stands."""

    status: Literal["unknown", "active", "takedown_pending", "removed", "erased"] = "unknown"
    user_id: UUID | None = None
    publication: Literal["none", "requested", "published", "failed"] = "none"
    turn: int = 0
    ghost_post_id: str | None = None
    hidden: bool = False

    @property
    def there(self) -> bool:
        return self.status in ("active", "takedown_pending")


def decide(command: Any, post: Post) -> Sequence[Event]:
    match command:
        case CollectPost():
            return _collected(command, post)
        case RequestPublication():
            return _publication_asked(command, post)
        case RequestTakedown():
            return _takedown_asked(command, post)
    if not post.there or post.user_id is None:
        return []  # what arrives late about a post that is gone
    whose: dict[str, UUID] = {"post_id": command.post_id, "user_id": post.user_id}
    match command:
        case EnrichPost():
            return [
                PostEnriched(
                    **whose,
                    summary_ko=command.summary_ko,
                    tags=command.tags,
                    pain_points=tuple(dict(each) for each in command.pain_points),
                    product_ideas=tuple(dict(each) for each in command.product_ideas),
                    content_hash=command.content_hash,
                )
            ]
        case NoteProcessing():
            return [
                PostProcessed(
                    **whose,
                    service_name=command.service_name,
                    status=command.status,
                    error_message=command.error_message,
                    processing_time_ms=command.processing_time_ms,
                )
            ]
        case RecordPublication() | RecordPublicationFailure():
            return _publication(command, post, whose)
        case ErasePost():
            return [PostErased(**whose, ghost_post_id=post.ghost_post_id)]
        case _:
            return _taking_down(command, post, whose)


def _collected(command: CollectPost, post: Post) -> list[Event]:
    if post.there and post.user_id == command.user_id:
        return []
    if post.there:
        raise Conflict("Somebody else has collected this Reddit post; each is collected once.", current=post.status)
    if post.status != "unknown":
        raise Conflict("The post was removed, so it is not collected again.", current=post.status)
    media = [
        CollectedMedia(media_file_id=derive("media_file", command.post_id, url), url=url)
        for url in dict.fromkeys(command.media)
    ]
    return [
        PostCollected(
            post_id=command.post_id,
            user_id=command.user_id,
            reddit_post_id=command.reddit_post_id,
            title=command.title,
            subreddit=command.subreddit,
            score=command.score,
            num_comments=command.num_comments,
            created_ts=command.created_ts,
            url=command.url,
            text=command.text,
            media=tuple(media),
        )
    ]


def _publication_asked(command: RequestPublication, post: Post) -> list[Event]:
    if post.user_id != command.user_id or post.status in ("unknown", "erased"):
        raise NotFound(NO_POST)
    if post.status != "active":
        raise Conflict("The post is being taken down, so it is not published.", current=post.status)
    if post.publication == "requested":
        return []
    return [PostPublicationRequested(post_id=command.post_id, user_id=command.user_id, turn=post.turn + 1)]


def _publication(
    command: RecordPublication | RecordPublicationFailure, post: Post, whose: Mapping[str, UUID]
) -> list[Event]:
    if post.publication != "requested" or command.turn != post.turn:
        return []
    if isinstance(command, RecordPublicationFailure):
        return [PostPublicationFailed(**whose, turn=post.turn, reason=command.reason)]
    return [
        PostPublished(
            **whose,
            turn=post.turn,
            ghost_post_id=command.ghost_post_id,
            ghost_url=command.ghost_url,
            ghost_slug=command.ghost_slug,
            published_at=command.published_at,
            processing_time_ms=command.processing_time_ms,
            taken_down=post.status == "takedown_pending",
        )
    ]


def _takedown_asked(command: RequestTakedown, post: Post) -> list[Event]:
    if post.status in ("unknown", "erased") or post.user_id is None:
        raise NotFound(NO_POST)
    if post.user_id != command.user_id and not command.moderates:
        raise NotFound(NO_POST)
    if post.status != "active":
        return []  # asked twice is asked once
    return [
        TakedownRequested(
            post_id=command.post_id,
            user_id=post.user_id,
            reason=command.reason,
            requested_by=command.user_id,
            remove_after=command.remove_after,
        )
    ]


def _taking_down(command: Any, post: Post, whose: Mapping[str, UUID]) -> list[Event]:
    if post.status != "takedown_pending":
        return []
    match command:
        case RecordUnpublished() if not post.hidden:
            took = command.processing_time_ms
            return [PostUnpublished(**whose, ghost_post_id=post.ghost_post_id, processing_time_ms=took)]
        case RecordUnpublishFailure() if not post.hidden:
            return [PostUnpublishFailed(**whose, reason=command.reason)]
        case RecordRemoved():
            return [PostRemoved(**whose, ghost_post_id=post.ghost_post_id)]
        case RecordRemovalFailure():
            return [PostRemovalFailed(**whose, reason=command.reason)]
        case _:
            return []


def evolve(post: Post, event: Event) -> Post:
    match event:
        case PostCollected():
            return Post("active", event.user_id)
        case PostPublicationRequested():
            return replace(post, publication="requested", turn=event.turn)
        case PostPublished():
            return replace(post, publication="published", ghost_post_id=event.ghost_post_id, hidden=False)
        case PostPublicationFailed():
            return replace(post, publication="failed")
        case TakedownRequested():
            return replace(post, status="takedown_pending")
        case PostUnpublished():
            return replace(post, hidden=True)
        case PostRemoved():
            return replace(post, status="removed", ghost_post_id=None)
        case PostErased():
            return replace(post, status="erased")
        case _:
            return post


decider: Decider[Post] = Decider(
    stream="post",
    initial=Post(),
    decide=decide,
    evolve=evolve,
    commands=COMMANDS,
    stream_id=lambda command: command.post_id,
    creating=(CollectPost,),
)
