"""Who talks to the platforms: connections and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.envelope import Event, Private
from contracts.events.workflow import AttachedImage

ErrorClass = Literal["refresh_token", "bad_content", "disconnected", "rate_limited", "transient", "outcome_unknown"]


class PublishingEvent(Event):
    owner: ClassVar[str] = "publishing"


class ConnectionEvent(PublishingEvent):
    stream: ClassVar[str] = "connection"
    connection_id: UUID
    user_id: UUID


class ConnectionAdded(ConnectionEvent):
    """A user's account on a platform. Its tokens stay with publishing, encrypted."""

    name: str
    platform_type: str
    instance_url: str
    username: str | None = None
    is_default: bool = True
    settings: dict[str, Any] = {}
    replaces_id: UUID | None = None  # the connection that was the platform's default so far
    token_expires_at: datetime | None = None
    renewable: bool = False  # there is a refresh token
    access_token: Private[str] = None
    refresh_token: Private[str] = None
    client_key: Private[str] = None
    client_secret: Private[str] = None


class ConnectionTokenRenewed(ConnectionEvent):
    """The platform gave a new token for the one that was about to end."""

    token_turn: int  # which of the connection's tokens this is: 1 came with the connection
    token_expires_at: datetime | None = None
    renewable: bool = True
    access_token: Private[str] = None
    refresh_token: Private[str] = None


class ConnectionBroken(ConnectionEvent):
    """The platform does not take the token any more; posts wait until the user connects the account again."""

    token_turn: int
    reason: str
    platform_type: str = ""
    name: str = ""


class ConnectionReconnected(ConnectionEvent):
    """The user let Presswork in again: whatever waited goes on."""

    token_turn: int
    username: str | None = None
    token_expires_at: datetime | None = None
    renewable: bool = False
    access_token: Private[str] = None
    refresh_token: Private[str] = None


class ConnectionPaused(ConnectionEvent):
    """The platform takes no more from this account until then."""

    until: datetime


class ConnectionRenamed(ConnectionEvent):
    """The user calls it something else."""

    name: str


class ConnectionMadeDefault(ConnectionEvent):
    """Posts go out here from now on when no connection is named."""

    replaces_id: UUID | None = None  # the platform's default so far


class ConnectionDeactivated(ConnectionEvent):
    """Nothing goes out here until it is activated again."""

    successor_id: UUID | None = None  # the connection that is the platform's default from here on


class ConnectionActivated(ConnectionEvent):
    """It may be used again."""

    is_default: bool = False  # the platform had no default


class ConnectionUsed(ConnectionEvent):
    """A post went out through the connection."""

    used_at: datetime


class ConnectionRemoved(ConnectionEvent):
    """The user took the connection away; its tokens are forgotten."""

    successor_id: UUID | None = None  # the connection that is the platform's default from here on


class JobEvent(PublishingEvent):
    stream: ClassVar[str] = "job"
    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID


class JobQueued(JobEvent):
    """The post goes out as soon as a worker is free."""

    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()


class JobScheduled(JobEvent):
    """The post goes out at this time."""

    scheduled_for: datetime
    time_zone: str
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()


class JobStarted(JobEvent):
    """A worker is about to call the platform; from here on the post may exist."""

    attempt: int
    turn: int = 1  # how often the job stood on the to-do list: once, and once more for each retry or new time
    connection_id: UUID | None = None
    resumed: bool = False  # an attempt before had begun and nobody knows how it ended
    lease_id: UUID | None = None  # under which the worker holds the task
    started_at: datetime | None = None
    duplicate_of: str | None = None  # where the same text of this account stands already


class JobPostponed(JobEvent):
    """The platform could not take the post now; it is tried again then."""

    error_class: ErrorClass
    reason: str
    retry_at: datetime
    turn: int


class JobHeld(JobEvent):
    """The job waits for its connection, which the platform does not take; nothing was sent."""

    connection_id: UUID
    error_class: ErrorClass
    reason: str
    unsure: bool = False  # an earlier attempt may have published without anybody knowing


class JobReleased(JobEvent):
    """The connection it waited for works again, or is gone."""

    turn: int


class JobPublished(JobEvent):
    """The post is out and has an address."""

    platform_post_id: str
    url: str
    published_at: datetime
    response: dict[str, Any] = {}
    connection_id: UUID | None = None
    duplicate_of: str | None = None


class EngagementEvent(JobEvent):
    platform_post_id: str
    url: str
    duplicate_of: str | None = None


class EngagementMeasured(EngagementEvent):
    """How the post is doing, as its platform counts; null is what the platform does not tell."""

    measured_at: datetime
    likes: int
    comments: int
    shares: int | None = None
    quotes: int | None = None
    views: int | None = None


class EngagementWithheld(EngagementEvent):
    """The platform does not say how the post is doing; the reason says why."""

    reason: str


class JobFailed(JobEvent):
    """The post is not out, or nobody can say whether it is (`outcome_unknown`); the reason says what to do."""

    error_class: ErrorClass
    reason: str


class JobRescheduled(JobEvent):
    """The owner chose another time."""

    scheduled_for: datetime
    time_zone: str
    turn: int


class JobCancelled(JobEvent):
    """The owner called it off before it began."""

    turn: int = 1


class JobRetried(JobEvent):
    """The owner asked to try again."""

    turn: int = 2
    connection_id: UUID | None = None  # another connection to use from here on


class JobErased(JobEvent):
    """The job's owner is gone, and with them what is known of the job."""


class SlotEvent(PublishingEvent):
    stream: ClassVar[str] = "slot"
    user_id: UUID


class SlotAdded(SlotEvent):
    """A time of the week at which the user's posts go out."""

    slot_id: UUID
    platform: str
    connection_id: UUID | None = None  # None: the platform's default one
    weekdays: tuple[int, ...]  # 1 is Monday
    local_time: str  # as 09:00
    time_zone: str


class SlotRemoved(SlotEvent):
    """No more posts get its times; those that have one keep it."""

    slot_id: UUID


class SlotTaken(SlotEvent):
    """A job goes out at this time of a slot."""

    slot_id: UUID
    job_id: UUID
    workflow_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()
    scheduled_for: datetime
    time_zone: str
    moved: bool = False  # the job had another time before


class SlotRefused(SlotEvent):
    """There is no free time for a job; the reason says what to do."""

    job_id: UUID
    workflow_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()
    reason: str


class SlotFreed(SlotEvent):
    """The job goes out at another time, or not at all."""

    slot_id: UUID
    job_id: UUID


class PlatformPostEvent(PublishingEvent):
    stream: ClassVar[str] = "imported_post"
    post_id: UUID
    user_id: UUID


class PlatformImage(BaseModel):
    """An image attached to a post on a platform."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: UUID
    url: str
    image_post_id: str | None = None  # the platform's own id of the attachment
    attachment_index: int
    media_type: str | None = None
    original_caption: str | None = None
    created: datetime | None = None  # when the post with it was made


class PlatformPostImported(PlatformPostEvent):
    """A post that stands on a platform already, with its images, whose captions are to be seen to."""

    connection_id: UUID
    platform_type: str
    instance_url: str
    platform_post_id: str
    author: str
    url: str
    content: str
    images: tuple[PlatformImage, ...] = ()


class PlatformPostRemoved(PlatformPostEvent):
    """The post is looked after no longer; it stays on the platform."""

    image_ids: tuple[UUID, ...] = ()


class CaptionEvent(PublishingEvent):
    stream: ClassVar[str] = "image_caption"
    image_id: UUID
    user_id: UUID


class CaptionPostRequested(CaptionEvent):
    """An approved caption is to be put on the platform."""

    post_id: UUID
    caption: str
    turn: int = 1  # the how-manieth caption of this image it is


class CaptionPosted(CaptionEvent):
    """The image has its caption on the platform."""

    posted_at: datetime


class CaptionPostFailed(CaptionEvent):
    """The platform has not taken the caption; the reason says what to do."""

    reason: str


class PostEvent(PublishingEvent):
    stream: ClassVar[str] = "post"
    post_id: UUID
    user_id: UUID


class CollectedMedia(BaseModel):
    """A file that a collected post shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    media_file_id: UUID
    url: str


class PostCollected(PostEvent):
    """A Reddit post was taken in, each once."""

    reddit_post_id: str
    title: str
    subreddit: str
    score: int = 0
    num_comments: int = 0
    created_ts: datetime
    url: str
    text: str = ""
    media: tuple[CollectedMedia, ...] = ()


class PostEnriched(PostEvent):
    """What the post says was summed up and sorted."""

    summary_ko: str
    tags: tuple[str, ...] = ()
    pain_points: tuple[dict[str, Any], ...] = ()
    product_ideas: tuple[dict[str, Any], ...] = ()
    content_hash: str


class PostProcessed(PostEvent):
    """A service has done its part for the post, or could not."""

    service_name: str
    status: Literal["completed", "failed"]
    error_message: str | None = None
    processing_time_ms: int | None = None


class PostPublicationRequested(PostEvent):
    """The article about the post is to stand on Ghost, as it reads now."""

    turn: int


class PostPublished(PostEvent):
    """The article stands on Ghost."""

    turn: int
    ghost_post_id: str
    ghost_url: str
    ghost_slug: str
    published_at: datetime
    processing_time_ms: int | None = None
    taken_down: bool = False  # a takedown was asked for meanwhile, so it has to be hidden again


class PostPublicationFailed(PostEvent):
    """The article does not stand on Ghost; the reason says what to do."""

    turn: int
    reason: str


class TakedownRequested(PostEvent):
    """Somebody wants the article gone: it is hidden now and removed when the grace period is over."""

    reason: str
    requested_by: UUID
    remove_after: datetime


class PostUnpublished(PostEvent):
    """The article is hidden."""

    ghost_post_id: str | None = None  # None: it never stood on Ghost
    processing_time_ms: int | None = None


class PostUnpublishFailed(PostEvent):
    """The article may still be read; the reason says what to do."""

    reason: str


class PostRemoved(PostEvent):
    """The grace period is over: the article is gone from Ghost, and what was made of the post is forgotten."""

    ghost_post_id: str | None = None


class PostRemovalFailed(PostEvent):
    """Ghost has not deleted the article; it is tried again."""

    reason: str


class PostErased(PostEvent):
    """Its owner is gone, and with them what is known of the post."""

    ghost_post_id: str | None = None
