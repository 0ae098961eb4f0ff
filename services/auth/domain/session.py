"""A session: from log-in until it is left, pushed out, or its refresh token is used twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from contracts.envelope import Event
from contracts.events.auth import (
    ActivePlatformSelected,
    SessionRefreshed,
    SessionRemoved,
    SessionRevoked,
    SessionStarted,
)
from shared.decider import Conflict, Decider, DomainError, NotFound

Reason = Literal["logged_out", "revoked", "pushed_out", "expired", "token_reused", "deactivated"]


class RefreshRefused(DomainError):
    """The refresh token opens nothing (any more)."""


@dataclass(frozen=True, slots=True)
class Session:
    user_id: UUID | None = None
    token_hash: str | None = None
    expires_at: datetime | None = None
    revoked: bool = False
    removed: bool = False
    platform: UUID | None = None  # the connection it works with


@dataclass(frozen=True, slots=True)
class StartSession:
    """`number`: the user's how-manieth log-in it is; there is one of each."""

    session_id: UUID
    user_id: UUID
    number: int
    refresh_token_hash: str
    expires_at: datetime
    device_info: Mapping[str, Any] = field(default_factory=dict)
    user_agent: str | None = None
    ip_address: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """`genuine`: we issued the presented token, now or earlier."""

    session_id: UUID
    presented_hash: str
    genuine: bool
    new_hash: str
    now: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RevokeSession:
    session_id: UUID
    user_id: UUID
    reason: Reason


@dataclass(frozen=True, slots=True)
class SelectPlatform:
    """Work with this connection from here on, or with none."""

    session_id: UUID
    user_id: UUID
    connection_id: UUID | None


@dataclass(frozen=True, slots=True)
class LeavePlatform:
    """The connection is gone: a session that worked with it goes on with its successor, or with none."""

    session_id: UUID
    connection_id: UUID
    successor_id: UUID | None


@dataclass(frozen=True, slots=True)
class RemoveSession:
    """Forget a session. `erased`: its user is gone, so it goes whether it is over or not."""

    session_id: UUID
    now: datetime
    erased: bool = False


Command = StartSession | RefreshSession | RevokeSession | SelectPlatform | LeavePlatform | RemoveSession


def decide(command: Command, session: Session) -> Sequence[Event]:
    match command:
        case StartSession():
            return _start(command, session)
        case RefreshSession():
            return _refresh(command, session)
        case RevokeSession():
            return _revoke(command, session)
        case SelectPlatform():
            return _select(command, session)
        case LeavePlatform():
            return _leave(command, session)
        case RemoveSession():
            return _remove(command, session)


def _start(command: StartSession, session: Session) -> Sequence[Event]:
    if session.user_id is not None:
        return []
    return [
        SessionStarted(
            session_id=command.session_id,
            user_id=command.user_id,
            number=command.number,
            refresh_token_hash=command.refresh_token_hash,
            expires_at=command.expires_at,
            device_info=dict(command.device_info),
            user_agent=command.user_agent,
            ip_address=command.ip_address,
            fingerprint=command.fingerprint,
        )
    ]


def _refresh(command: RefreshSession, session: Session) -> Sequence[Event]:
    if session.user_id is None or session.revoked or session.expires_at is None or command.now >= session.expires_at:
        raise RefreshRefused("This session is over; log in again.")
    if command.presented_hash == session.token_hash:
        return [
            SessionRefreshed(
                session_id=command.session_id,
                user_id=session.user_id,
                refresh_token_hash=command.new_hash,
                expires_at=command.expires_at,
            )
        ]
    if not command.genuine:
        raise RefreshRefused("This refresh token was not issued here; log in again.")
    # Two hold the token, and nobody can tell which of them is the thief.
    return [SessionRevoked(session_id=command.session_id, user_id=session.user_id, reason="token_reused")]


def _revoke(command: RevokeSession, session: Session) -> Sequence[Event]:
    if session.user_id != command.user_id:
        raise _no_session()
    if session.revoked:
        return []
    return [SessionRevoked(session_id=command.session_id, user_id=command.user_id, reason=command.reason)]


def _select(command: SelectPlatform, session: Session) -> Sequence[Event]:
    if session.user_id != command.user_id:
        raise _no_session()
    if session.revoked:
        raise Conflict("This session is over; log in again.", current="revoked")
    if session.platform == command.connection_id:
        return []
    return [_selected(command.session_id, command.user_id, command.connection_id)]


def _leave(command: LeavePlatform, session: Session) -> Sequence[Event]:
    if session.user_id is None or session.removed or session.platform != command.connection_id:
        return []
    return [_selected(command.session_id, session.user_id, command.successor_id)]


def _selected(session_id: UUID, user_id: UUID, connection_id: UUID | None) -> ActivePlatformSelected:
    return ActivePlatformSelected(session_id=session_id, user_id=user_id, connection_id=connection_id)


def _no_session() -> NotFound:
    return NotFound("There is no such session; list your sessions to see which there are.")


def _remove(command: RemoveSession, session: Session) -> Sequence[Event]:
    if session.removed or session.user_id is None:
        return []
    over = session.revoked or (session.expires_at is not None and session.expires_at <= command.now)
    if not over and not command.erased:
        raise Conflict("This session is in use; end it before it is removed.", current="open")
    return [SessionRemoved(session_id=command.session_id, user_id=session.user_id)]


def evolve(session: Session, event: Event) -> Session:
    match event:
        case SessionStarted():
            return Session(event.user_id, event.refresh_token_hash, event.expires_at)
        case SessionRefreshed():
            return replace(session, token_hash=event.refresh_token_hash, expires_at=event.expires_at)
        case SessionRevoked():
            return replace(session, revoked=True)
        case ActivePlatformSelected():
            return replace(session, platform=event.connection_id)
        case SessionRemoved():
            return Session(event.user_id, revoked=True, removed=True)
        case _:
            return session


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a user's sessions that is not revoked."""

    session_id: UUID
    started_at: datetime
    expires_at: datetime


def make_room(
    user_id: UUID, sessions: Sequence[OpenSession], *, limit: int, now: datetime
) -> tuple[RevokeSession, ...]:
    """What must go before one more session starts: what is expired, and the oldest above `limit`; oldest first."""
    by_age = sorted(sessions, key=lambda session: (session.started_at, session.session_id))
    surplus = sum(session.expires_at > now for session in by_age) - limit + 1
    leaving = []
    for session in by_age:
        if session.expires_at <= now:
            leaving.append(RevokeSession(session.session_id, user_id, "expired"))
        elif surplus > 0:
            leaving.append(RevokeSession(session.session_id, user_id, "pushed_out"))
            surplus -= 1
    return tuple(leaving)


decider: Decider[Session] = Decider(
    stream="session",
    initial=Session(),
    decide=decide,
    evolve=evolve,
    commands=get_args(Command),
    stream_id=lambda command: command.session_id,
    creating=(StartSession,),
)
