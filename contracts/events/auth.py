"""Who you are: accounts and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Private


class AuthEvent(Event):
    owner: ClassVar[str] = "auth"


class UserEvent(AuthEvent):
    stream: ClassVar[str] = "user"
    user_id: UUID


class UserRegistered(UserEvent):
    """An account was made. The name, the e-mail address and the password's hash stay with auth."""

    username: str
    role: str = "viewer"
    name: Private[str] = None
    email: Private[str] = None
    hashed_password: Private[str] = None


class TrialStarted(UserEvent):
    """Somebody tries the platform without an address; what they make goes when the trial ends."""

    username: str
    expires_at: datetime


class TrialClaimed(UserEvent):
    """Whoever tried the platform signed up: the trial is an account now, and all that was made stays."""

    username: str
    name: Private[str] = None
    email: Private[str] = None
    hashed_password: Private[str] = None


class ProfileUpdated(UserEvent):
    """The user changed how they appear and how drafts should sound; what they say of themselves stays with auth."""

    name: Private[str] = None
    tone_of_voice: Private[str] = None
    preferences: Private[dict[str, Any]] = None


class VerificationRequested(UserEvent):
    """A token goes to the user's e-mail address, to be sent back."""

    verification_id: UUID
    requested_at: datetime
    expires_at: datetime
    token_hash: Private[str] = None


class EmailVerified(UserEvent):
    """The user reads what is sent to their e-mail address."""


class UserLoggedIn(UserEvent):
    """The user proved to be who they say, and a session began."""

    session_id: UUID
    number: Private[int] = None  # the user's how-manieth log-in it is


class UserRoleChanged(UserEvent):
    """An administrator or operator gave the user another role; new access tokens bear it."""

    role: Literal["viewer", "reviewer", "moderator", "admin"]


class UserDeactivated(UserEvent):
    """An administrator shut the user out: no log-in, no new tokens."""


class UserActivated(UserEvent):
    """The user who was shut out may come back."""


class UserErased(UserEvent):
    """The account is gone for good; whoever keeps something of the user's removes it."""


class SessionEvent(AuthEvent):
    stream: ClassVar[str] = "session"
    session_id: UUID
    user_id: UUID


class SessionStarted(SessionEvent):
    """Somebody logged in."""

    expires_at: datetime
    device_info: Private[dict[str, Any]] = None
    number: Private[int] = None  # the user's how-manieth log-in it is
    user_agent: Private[str] = None
    ip_address: Private[str] = None
    fingerprint: Private[str] = None  # SHA-256 of what the device says of itself
    refresh_token_hash: Private[str] = None


class SessionRefreshed(SessionEvent):
    """The refresh token was used and replaced by another; the old one is dead."""

    expires_at: datetime
    refresh_token_hash: Private[str] = None


class SessionRevoked(SessionEvent):
    """The session ended: logged out, pushed out by a newer one, or its old refresh token came back (a theft)."""

    reason: str


class ActivePlatformSelected(SessionEvent):
    """The connection that the user works with in this session; None: none."""

    connection_id: UUID | None = None


class SessionRemoved(SessionEvent):
    """A session that was over is forgotten, or one whose user is gone."""
