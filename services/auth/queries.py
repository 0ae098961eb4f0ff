"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_USER = """
SELECT users.id, users.username, CASE WHEN trial_expires_at IS NULL THEN users.email END AS email, users.name,
       users.role, users.email_verified, users.trial_expires_at,
       profiles.tone_of_voice, profiles.preferences, users.created_at, users.updated_at, users.last_login
FROM users JOIN profiles ON profiles.user_id = users.id
WHERE users.id = $1
"""

# Who may log in by this name or address, whatever their case.
_BY_USERNAME = "SELECT id, username, hashed_password FROM users WHERE is_active AND username_key = lower($1)"
_BY_EMAIL = "SELECT id, username, hashed_password FROM users WHERE is_active AND email_key = lower($1)"

_LOG_INS = "SELECT log_ins FROM users WHERE id = $1"
_NOT_REVOKED = (
    "SELECT id, created_at, expires_at FROM sessions WHERE user_id = $1 AND NOT revoked ORDER BY created_at, id"
)

# What ends a session is its last change; some at a time, so that a log-in stays quick.
_LONG_ENDED = """
SELECT id FROM sessions WHERE user_id = $1 AND revoked AND updated_at < $2 ORDER BY updated_at, id LIMIT 20
"""
_ALL_SESSIONS = "SELECT id FROM sessions WHERE user_id = $1 ORDER BY id"
_TRIAL_EXPIRES_AT = "SELECT trial_expires_at FROM users WHERE id = $1"
_PASSWORD_HASH = "SELECT hashed_password FROM users WHERE id = $1"
_ROLE = "SELECT role FROM users WHERE id = $1 AND is_active"

_ACCOUNT_COLUMNS = """id, username, CASE WHEN trial_expires_at IS NULL THEN email END AS email, name, role, is_active,
       email_verified, trial_expires_at, created_at, updated_at, last_login"""
_ACCOUNT = f"SELECT {_ACCOUNT_COLUMNS} FROM users WHERE id = $1"
# One statement for each combination of filters would be six; the planner leaves out what is null.
_ACCOUNTS = f"""
SELECT {_ACCOUNT_COLUMNS} FROM users
WHERE (created_at, id) < ($1, $2)
  AND ($4::user_role IS NULL OR role = $4) AND ($5::boolean IS NULL OR is_active = $5)
ORDER BY created_at DESC, id DESC LIMIT $3
"""

# A connection that is gone shows as none from that moment on, before the session is told.
_SESSIONS = """
SELECT sessions.id, device_info, host(ip_address) AS ip_address, user_agent, sessions.created_at, last_used_at,
       expires_at, known_connections.id AS active_platform_id
FROM sessions LEFT JOIN known_connections ON known_connections.id = active_platform_id
WHERE sessions.user_id = $1"""
_OPEN_PAGE = f"""{_SESSIONS} AND NOT revoked AND expires_at > $2
  AND (sessions.created_at, sessions.id) < ($3, $4)
ORDER BY sessions.created_at DESC, sessions.id DESC LIMIT $5
"""
_OWN_SESSION = f"{_SESSIONS} AND sessions.id = $2"
_SESSIONS_WITH = "SELECT id FROM sessions WHERE active_platform_id = $1 ORDER BY id"
_IS_KNOWN = "SELECT EXISTS (SELECT FROM known_connections WHERE id = $1 AND user_id = $2)"
_UNVERIFIED = """
SELECT email, username, verification_token, verification_token_expires FROM users
WHERE id = $1 AND NOT email_verified AND verification_token IS NOT NULL
"""

_VERIFIED = "SELECT email, username FROM users WHERE id = $1 AND email_verified AND is_active"

# Whose session it is, when it began, and what a new access token says of them.
_SESSION = """
SELECT sessions.created_at, users.id AS user_id, users.username, users.role, users.trial_expires_at
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.id = $1 AND users.is_active
"""


async def user(connection: PoolConnection, user_id: UUID) -> Any:
    """The account with its profile, or None when the reader may not see it."""
    return await connection.fetchrow(_USER, user_id)


async def by_username(connection: PoolConnection, username: str) -> Any:
    """Id, username and password hash of an active account, or None."""
    return await connection.fetchrow(_BY_USERNAME, username)


async def by_email(connection: PoolConnection, email: str) -> Any:
    """Id, username and password hash of an active account, or None."""
    return await connection.fetchrow(_BY_EMAIL, email)


async def log_ins(connection: PoolConnection, user_id: UUID) -> int:
    """How often the user has logged in. Read it before the sessions that it is to vouch for."""
    found: int | None = await connection.fetchval(_LOG_INS, user_id)
    return found or 0


async def not_revoked(connection: PoolConnection, user_id: UUID) -> list[Any]:
    """All sessions that were not ended, expired ones too, oldest first."""
    found: list[Any] = await connection.fetch(_NOT_REVOKED, user_id)
    return found


async def open_sessions(connection: PoolConnection, user_id: UUID, now: datetime, page: PageRequest) -> list[Any]:
    """A page of a user's open sessions, newest first, and one more."""
    found: list[Any] = await connection.fetch(_OPEN_PAGE, user_id, now, *page.place, page.limit + 1)
    return found


async def session(connection: PoolConnection, session_id: UUID) -> Any:
    """A session of an active user with that user's name and role, or None."""
    return await connection.fetchrow(_SESSION, session_id)


async def long_ended(connection: PoolConnection, user_id: UUID, before: datetime) -> list[UUID]:
    """Some of a user's sessions that were ended before a moment, the oldest first."""
    return [row["id"] for row in await connection.fetch(_LONG_ENDED, user_id, before)]


async def all_sessions(connection: PoolConnection, user_id: UUID) -> list[UUID]:
    """The ids of a user's sessions, whatever became of them."""
    return [row["id"] for row in await connection.fetch(_ALL_SESSIONS, user_id)]


async def trial_expires_at(connection: PoolConnection, user_id: UUID) -> datetime | None:
    """When the user's trial ends; None for an account, and for nobody."""
    found: datetime | None = await connection.fetchval(_TRIAL_EXPIRES_AT, user_id)
    return found


async def password_hash(connection: PoolConnection, user_id: UUID) -> str | None:
    """The hash of the user's password, or None when there is no such user."""
    found: str | None = await connection.fetchval(_PASSWORD_HASH, user_id)
    return found


async def role(connection: PoolConnection, user_id: UUID) -> str | None:
    """The role of an active user, or None."""
    found: str | None = await connection.fetchval(_ROLE, user_id)
    return found


async def account(connection: PoolConnection, user_id: UUID) -> Any:
    """An account as administrators see it, or None."""
    return await connection.fetchrow(_ACCOUNT, user_id)


async def accounts(connection: PoolConnection, page: PageRequest, role: str | None, active: bool | None) -> list[Any]:
    """A page of the accounts that the reader may see, newest first, and one more."""
    found: list[Any] = await connection.fetch(_ACCOUNTS, *page.place, page.limit + 1, role, active)
    return found


async def own_session(connection: PoolConnection, session_id: UUID, user_id: UUID) -> Any:
    """One of a user's sessions, or None."""
    return await connection.fetchrow(_OWN_SESSION, user_id, session_id)


async def sessions_with(connection: PoolConnection, connection_id: UUID) -> list[UUID]:
    """The sessions in which somebody works with this connection."""
    return [row["id"] for row in await connection.fetch(_SESSIONS_WITH, connection_id)]


async def is_known(connection: PoolConnection, connection_id: UUID, user_id: UUID) -> bool:
    """Whether the user has this connection."""
    found: bool = await connection.fetchval(_IS_KNOWN, connection_id, user_id)
    return found


async def unverified(connection: PoolConnection, user_id: UUID) -> Any:
    """Address, name and awaited token (hash, age) of a user who has yet to send it back, or None."""
    return await connection.fetchrow(_UNVERIFIED, user_id)


async def verified(connection: PoolConnection, user_id: UUID) -> Any:
    """Address and name of a user whose address is known to be theirs, or None."""
    return await connection.fetchrow(_VERIFIED, user_id)
