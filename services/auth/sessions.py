"""Opening and renewing sessions: the events and the tokens that go with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from services.auth import queries
from services.auth.domain.session import (
    OpenSession,
    RefreshRefused,
    RefreshSession,
    RemoveSession,
    StartSession,
    make_room,
)
from services.auth.domain.user import LoggedInMeanwhile, LogIn
from services.auth.refresh_tokens import Presented, hash_of
from services.auth.schemas import TokenPair
from services.auth.tools import Tools
from shared.ids import new_id
from shared.kit import Kit
from shared.roles import TRIAL

# Of log-ins of one user at the same moment one gets through; the others look again at what is open.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody logs in from."""

    info: dict[str, str]
    user_agent: str | None = field(repr=False)
    ip_address: str | None = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex of what the device says of itself; the address, which changes, is no part of it."""
        said = {"device": self.info, "user_agent": self.user_agent}
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


class TooManyLogIns(Exception):
    """So many log-ins of one user at once that this one never got through."""


async def start(
    kit: Kit, user_id: UUID, username: str, role: str, device: Device, *, until: datetime | None = None
) -> TokenPair:
    """A new session, of a trial one that ends with it (`until`); the oldest goes when there are too many.

    Raises TooManyLogIns.
    """
    tools: Tools = kit.tools
    settings = tools.settings
    session_id = new_id()
    token = tools.refresh_tokens.issue(session_id)
    lifetime = timedelta(days=min(settings.refresh_days, settings.session_days))
    for _ in range(TRIES):
        now = datetime.now(UTC)
        async with kit.database.reading(user_id) as connection:
            number = 1 + await queries.log_ins(connection, user_id)
            rows = await queries.not_revoked(connection, user_id)
            old = await queries.long_ended(connection, user_id, now - timedelta(days=settings.ended_session_days))
        sessions = [OpenSession(row["id"], row["created_at"], row["expires_at"]) for row in rows]
        leaving = make_room(user_id, sessions, limit=settings.max_sessions, now=now)
        beginning = StartSession(
            session_id,
            user_id,
            number,
            hash_of(token),
            _sooner(now + lifetime, until),
            device.info,
            device.user_agent,
            device.ip_address,
            device.fingerprint,
        )
        forgotten = [RemoveSession(ended, now) for ended in old]
        try:
            await kit.handle(LogIn(user_id, session_id, number), actor=user_id, also=[beginning, *leaving, *forgotten])
        except LoggedInMeanwhile:
            continue
        return _pair(tools, user_id, session_id, username, role, token, now, until)
    raise TooManyLogIns


async def renew(kit: Kit, presented: Presented) -> TokenPair:
    """Both tokens anew. A token that was replaced before ends its session. Raises RefreshRefused."""
    tools: Tools = kit.tools
    async with kit.database.reading(None) as connection:
        row = await queries.session(connection, presented.session_id)
    if row is None:
        raise RefreshRefused("This session does not exist; log in again.")
    now, until = datetime.now(UTC), row["trial_expires_at"]
    if until is not None and now >= until:
        raise RefreshRefused("This trial is over; sign up for an account.")
    ends_at = row["created_at"] + timedelta(days=tools.settings.session_days)
    token = tools.refresh_tokens.issue(presented.session_id)
    session = await kit.handle(
        RefreshSession(
            presented.session_id,
            presented.hash,
            presented.genuine,
            hash_of(token),
            now,
            _sooner(min(now + timedelta(days=tools.settings.refresh_days), ends_at), until),
        ),
        actor=row["user_id"],
    )
    if session.revoked:
        raise RefreshRefused("This refresh token was used before, so its session was ended; log in again.")
    return _pair(tools, row["user_id"], presented.session_id, row["username"], row["role"], token, now, until)


def _pair(
    tools: Tools,
    user_id: UUID,
    session_id: UUID,
    username: str,
    role: str,
    refresh_token: str,
    now: datetime,
    until: datetime | None,
) -> TokenPair:
    lifetime = _sooner(now + timedelta(minutes=tools.settings.access_minutes), until) - now
    said = role if until is None else TRIAL
    return TokenPair(
        access_token=tools.signer.issue(user_id, session_id, said, username, now, lifetime),
        refresh_token=refresh_token,
        expires_in=int(lifetime.total_seconds()),
    )


def _sooner(moment: datetime, until: datetime | None) -> datetime:
    return moment if until is None else min(moment, until)
