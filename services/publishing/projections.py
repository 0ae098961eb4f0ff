"""Rows of publishing_jobs, platform_connections and draft_texts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.auth import UserErased
from contracts.events.generation import DraftCreated, DraftErased
from contracts.events.publishing import (
    ConnectionActivated,
    ConnectionAdded,
    ConnectionBroken,
    ConnectionDeactivated,
    ConnectionEvent,
    ConnectionMadeDefault,
    ConnectionPaused,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRenamed,
    ConnectionTokenRenewed,
    ConnectionUsed,
    EngagementEvent,
    EngagementMeasured,
    EngagementWithheld,
    JobCancelled,
    JobErased,
    JobEvent,
    JobFailed,
    JobHeld,
    JobPostponed,
    JobPublished,
    JobQueued,
    JobReleased,
    JobRescheduled,
    JobRetried,
    JobScheduled,
    JobStarted,
)
from shared.eventstore.private_keys import forget
from shared.projection import RowChange, add, delete, insert, projects, update

_JOBS = "publishing_jobs"
_CONNECTIONS = "platform_connections"


@projects(DraftCreated)
def keep_the_text(event: DraftCreated, at: datetime) -> RowChange:
    return insert(
        "draft_texts",
        draft_id=event.draft_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        title=event.title,
        content=event.content,
        hashtags=list(event.hashtags),
        language=_code(event.language),
        created_at=at,
    )


def _code(language: str) -> str | None:
    """The ISO 639 code in what was said of a text's language, if there is one."""
    code = re.split("[-_]", language.strip().lower())[0]
    return code if re.fullmatch("[a-z]{2,3}", code) and code != "und" else None


@projects(DraftErased)
def forget_the_text(event: DraftErased, at: datetime) -> RowChange:
    return delete("draft_texts", draft_id=event.draft_id)


@projects(JobQueued)
def queue(event: JobQueued, at: datetime) -> RowChange:
    return _job(event, at, status="queued", connection_id=event.connection_id)


@projects(JobScheduled)
def schedule(event: JobScheduled, at: datetime) -> RowChange:
    return _job(
        event,
        at,
        status="scheduled",
        connection_id=event.connection_id,
        scheduled_for=event.scheduled_for,
        time_zone=event.time_zone,
        next_attempt_at=event.scheduled_for,
    )


@projects(JobStarted)
def start(event: JobStarted, at: datetime) -> list[RowChange]:
    warned = {"response_data": {"warnings": _warnings(event)}} if event.duplicate_of else {}
    return [
        _moved(
            event,
            at,
            status="publishing",
            used_connection_id=event.connection_id,
            next_attempt_at=None,
            started_at=event.started_at,
            held_for=None,
            **warned,
        ),
        add(_JOBS, {"id": event.job_id}, attempt=1),
    ]


def _warnings(event: JobStarted | JobPublished | EngagementEvent) -> list[str]:
    return [f"The same text went out before, at {event.duplicate_of}; the platform may show it to few, or refuse it."]


@projects(JobPostponed)
def postpone(event: JobPostponed, at: datetime) -> RowChange:
    return _moved(
        event,
        at,
        status="queued",
        error_class=event.error_class,
        error=event.reason,
        next_attempt_at=event.retry_at,
        turn=event.turn,
    )


@projects(JobHeld)
def hold(event: JobHeld, at: datetime) -> RowChange:
    return _moved(
        event,
        at,
        status="queued",
        error_class=event.error_class,
        error=event.reason,
        next_attempt_at=None,
        held_for=event.connection_id,
    )


@projects(JobReleased)
def release(event: JobReleased, at: datetime) -> RowChange:
    return _moved(event, at, held_for=None, turn=event.turn, error_class=None, error=None)


@projects(JobPublished)
def publish(event: JobPublished, at: datetime) -> RowChange:
    return _moved(
        event,
        at,
        status="published",
        published_at=event.published_at,
        response_data=_answered(event, {"likes": 0, "comments": 0, "shares": 0}),
        error_class=None,
        error=None,
    )


@projects(EngagementMeasured)
def measure(event: EngagementMeasured, at: datetime) -> RowChange:
    figures = {"likes": event.likes, "comments": event.comments, "shares": event.shares}
    more = {"quotes": event.quotes, "views": event.views}
    told = {name: figure for name, figure in more.items() if figure is not None}
    engagement = {**figures, **told, "measured_at": event.measured_at.isoformat()}
    return _moved(event, at, response_data=_answered(event, engagement))


@projects(EngagementWithheld)
def withhold(event: EngagementWithheld, at: datetime) -> RowChange:
    engagement = {"likes": None, "comments": None, "shares": None, "withheld": event.reason}
    return _moved(event, at, response_data=_answered(event, engagement))


def _answered(event: JobPublished | EngagementEvent, engagement: dict[str, Any]) -> dict[str, Any]:
    answered = {"platform_post_id": event.platform_post_id, "url": event.url, "engagement": engagement}
    return answered | ({"warnings": _warnings(event)} if event.duplicate_of else {})


@projects(JobFailed)
def fail(event: JobFailed, at: datetime) -> RowChange:
    return _moved(event, at, status="failed", error_class=event.error_class, error=event.reason, next_attempt_at=None)


@projects(JobRetried)
def retry(event: JobRetried, at: datetime) -> RowChange:
    chosen = {} if event.connection_id is None else {"connection_id": event.connection_id}
    return _moved(event, at, status="queued", error_class=None, error=None, held_for=None, turn=event.turn, **chosen)


@projects(JobRescheduled)
def reschedule(event: JobRescheduled, at: datetime) -> RowChange:
    return _moved(
        event,
        at,
        status="scheduled",
        scheduled_for=event.scheduled_for,
        time_zone=event.time_zone,
        next_attempt_at=event.scheduled_for,
        error_class=None,
        error=None,
        held_for=None,
        turn=event.turn,
    )


@projects(JobCancelled)
def cancel(event: JobCancelled, at: datetime) -> RowChange:
    return _moved(event, at, status="cancelled", next_attempt_at=None, held_for=None)


@projects(JobErased)
def erase(event: JobErased, at: datetime) -> RowChange:
    return delete(_JOBS, id=event.job_id)


def _job(event: JobEvent, at: datetime, **columns: Any) -> RowChange:
    return insert(
        _JOBS,
        id=event.job_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        draft_id=event.draft_id,
        attempt=0,
        created_at=at,
        updated_at=at,
        **columns,
    )


def _moved(event: JobEvent, at: datetime, **columns: Any) -> RowChange:
    return update(_JOBS, {"id": event.job_id}, **columns, updated_at=at)


@projects(UserErased)
def forget_secrets(event: UserErased, at: datetime) -> RowChange:
    """The rows go by events of their own; nobody reads the secrets in earlier events any more."""
    return forget(event.user_id)


@projects(ConnectionAdded)
def connect(event: ConnectionAdded, at: datetime) -> list[RowChange]:
    added = insert(
        _CONNECTIONS,
        id=event.connection_id,
        user_id=event.user_id,
        name=event.name,
        platform_type=event.platform_type,
        instance_url=event.instance_url,
        username=event.username,
        access_token=event.access_token or "",
        client_key=event.client_key,
        client_secret=event.client_secret,
        settings=event.settings,
        refresh_token=event.refresh_token,
        token_expires_at=event.token_expires_at,
        token_turn=1,
        token_at=at,
        is_active=True,
        is_default=event.is_default,
        created_at=at,
        updated_at=at,
    )
    return [added, *_default(event.replaces_id, at, is_default=False)]


@projects(ConnectionTokenRenewed, ConnectionReconnected)
def take_the_new_token(event: ConnectionTokenRenewed | ConnectionReconnected, at: datetime) -> RowChange:
    again = {"username": event.username} if isinstance(event, ConnectionReconnected) else {}
    return _changed(
        event,
        at,
        access_token=event.access_token or "",
        refresh_token=event.refresh_token,
        token_expires_at=event.token_expires_at,
        token_turn=event.token_turn,
        token_at=at,
        broken_at=None,
        broken_reason=None,
        **again,
    )


@projects(ConnectionBroken)
def mark_broken(event: ConnectionBroken, at: datetime) -> RowChange:
    return _changed(event, at, broken_at=at, broken_reason=event.reason)


@projects(ConnectionPaused)
def pause(event: ConnectionPaused, at: datetime) -> RowChange:
    return _changed(event, at, paused_until=event.until)


@projects(ConnectionRenamed)
def rename(event: ConnectionRenamed, at: datetime) -> RowChange:
    return _changed(event, at, name=event.name)


@projects(ConnectionMadeDefault)
def prefer(event: ConnectionMadeDefault, at: datetime) -> list[RowChange]:
    return [*_default(event.replaces_id, at, is_default=False), _changed(event, at, is_default=True)]


@projects(ConnectionDeactivated)
def deactivate(event: ConnectionDeactivated, at: datetime) -> list[RowChange]:
    return [
        _changed(event, at, is_active=False, is_default=False),
        *_default(event.successor_id, at, is_default=True),
    ]


@projects(ConnectionActivated)
def activate(event: ConnectionActivated, at: datetime) -> RowChange:
    return _changed(event, at, is_active=True, is_default=event.is_default)


@projects(ConnectionUsed)
def use(event: ConnectionUsed, at: datetime) -> RowChange:
    return _changed(event, at, last_used=event.used_at)


@projects(ConnectionRemoved)
def disconnect(event: ConnectionRemoved, at: datetime) -> list[RowChange]:
    return [delete(_CONNECTIONS, id=event.connection_id), *_default(event.successor_id, at, is_default=True)]


def _changed(event: ConnectionEvent, at: datetime, **columns: Any) -> RowChange:
    return update(_CONNECTIONS, {"id": event.connection_id}, **columns, updated_at=at)


def _default(connection_id: UUID | None, at: datetime, *, is_default: bool) -> list[RowChange]:
    if connection_id is None:
        return []
    return [update(_CONNECTIONS, {"id": connection_id}, is_default=is_default, updated_at=at)]
