"""An account: made once, or tried first, logged in to, given a role, shut out and let in again, erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal, get_args
from uuid import UUID

from contracts.envelope import Event
from contracts.events.auth import (
    EmailVerified,
    ProfileUpdated,
    TrialClaimed,
    TrialStarted,
    UserActivated,
    UserDeactivated,
    UserErased,
    UserLoggedIn,
    UserRegistered,
    UserRoleChanged,
    VerificationRequested,
)
from services.auth.domain import trial
from services.auth.domain.trial import ClaimTrial, EndTrial, StartTrial, Verification
from shared.decider import Conflict, Decider, Forbidden, Invalid, NotFound

Role = Literal["viewer", "reviewer", "moderator", "admin"]


class LoggedInMeanwhile(Conflict):
    """Another log-in came first, so what was looked at is not all there is; look again."""


class VerificationRefused(Invalid):
    """The token proves nothing (any more)."""


class Keep(Enum):
    """What a change does not mention; None is a value of its own there."""

    KEEP = "keep"


KEEP = Keep.KEEP
# Between two mails to an address that may be somebody else's.
PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class User:
    exists: bool = False
    erased: bool = False
    active: bool = True
    role: str = "viewer"
    trial_until: datetime | None = None  # of a trial that nobody has claimed yet
    log_ins: int = 0
    last_session: UUID | None = None
    verified: bool = False
    verification: Verification | None = None
    name: str | None = None
    tone_of_voice: str | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """`hashed_password` is a bcrypt hash; the password itself never comes this far."""

    user_id: UUID
    username: str
    email: str = field(repr=False)
    hashed_password: str = field(repr=False)
    name: str | None = None
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class UpdateProfile:
    user_id: UUID
    name: str | Keep | None = KEEP
    tone_of_voice: str | Keep | None = KEEP
    preferences: Mapping[str, Any] | Keep = KEEP


@dataclass(frozen=True, slots=True)
class RequestVerification:
    user_id: UUID
    verification: Verification


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    user_id: UUID
    token_hash: str = field(repr=False)
    now: datetime


@dataclass(frozen=True, slots=True)
class LogIn:
    """`number`: the user's how-manieth log-in it is; who counts wrongly has overlooked another one."""

    user_id: UUID
    session_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class ChangeRole:
    user_id: UUID
    role: Role


@dataclass(frozen=True, slots=True)
class Deactivate:
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Activate:
    user_id: UUID


@dataclass(frozen=True, slots=True)
class EraseUser:
    """`log_ins`: how many there were when the sessions that go with the account were listed."""

    user_id: UUID
    log_ins: int


Command = (
    RegisterUser
    | StartTrial
    | ClaimTrial
    | EndTrial
    | UpdateProfile
    | RequestVerification
    | VerifyEmail
    | LogIn
    | ChangeRole
    | Deactivate
    | Activate
    | EraseUser
)


def decide(command: Command, user: User) -> Sequence[Event]:
    match command:
        case RegisterUser():
            return _register(command, user)
        case StartTrial():
            return trial.start(command, user)
        case EndTrial():
            return _erase(EraseUser(command.user_id, command.log_ins), user) if trial.is_over(command, user) else []
        case EraseUser():
            return _erase(command, user)
    if not user.exists:
        raise _nobody()
    match command:
        case ClaimTrial():
            return _claim(command, user)
        case UpdateProfile():
            return _update(command, user)
        case RequestVerification():
            return _request_verification(command, user)
        case VerifyEmail():
            return _verify(command, user)
        case LogIn():
            return _log_in(command, user)
        case ChangeRole(role=role):
            trial.refuse(user, "A trial has no role; its user has to sign up first.")
            return [] if role == user.role else [UserRoleChanged(user_id=command.user_id, role=role)]
        case Deactivate():
            return [UserDeactivated(user_id=command.user_id)] if user.active else []
        case Activate():
            return [] if user.active else [UserActivated(user_id=command.user_id)]


def _register(command: RegisterUser, user: User) -> Sequence[Event]:
    if user.exists or user.erased:
        return []
    registered = UserRegistered(
        user_id=command.user_id,
        username=command.username,
        name=command.name,
        email=command.email,
        hashed_password=command.hashed_password,
    )
    return [registered] if command.verification is None else [registered, _sent(command.user_id, command.verification)]


def _claim(command: ClaimTrial, user: User) -> Sequence[Event]:
    claimed = trial.claim(command, user)
    return [*claimed, _sent(command.user_id, command.verification)] if claimed else []


def _update(command: UpdateProfile, user: User) -> Sequence[Event]:
    wanted = replace(
        user,
        name=user.name if command.name is KEEP else command.name,
        tone_of_voice=user.tone_of_voice if command.tone_of_voice is KEEP else command.tone_of_voice,
        preferences=user.preferences if command.preferences is KEEP else command.preferences,
    )
    if wanted == user:
        return []
    return [
        ProfileUpdated(
            user_id=command.user_id,
            name=wanted.name,
            tone_of_voice=wanted.tone_of_voice,
            preferences=dict(wanted.preferences),
        )
    ]


def _request_verification(command: RequestVerification, user: User) -> Sequence[Event]:
    trial.refuse(user, "A trial has no address to verify; sign up with its token to give one.")
    wanted, before = command.verification, user.verification
    if before is not None and before.verification_id == wanted.verification_id:
        return []
    if user.verified:
        raise Conflict("Your e-mail address is verified already; there is nothing to do.", current="verified")
    if before is not None and wanted.requested_at < before.requested_at + PAUSE:
        raise Conflict("A token was sent just now; look into your mail, or ask again in a minute.", current="sent")
    return [_sent(command.user_id, wanted)]


def _sent(user_id: UUID, verification: Verification) -> VerificationRequested:
    return VerificationRequested(
        user_id=user_id,
        verification_id=verification.verification_id,
        requested_at=verification.requested_at,
        expires_at=verification.expires_at,
        token_hash=verification.token_hash,
    )


def _verify(command: VerifyEmail, user: User) -> Sequence[Event]:
    sent = user.verification
    if sent is None or sent.token_hash != command.token_hash:
        raise VerificationRefused("This token is not the last one sent to you; use that, or ask for a new one.")
    if user.verified:
        return []
    if command.now >= sent.expires_at:
        raise VerificationRefused("This token is too old; ask for a new one.")
    return [EmailVerified(user_id=command.user_id)]


def _log_in(command: LogIn, user: User) -> Sequence[Event]:
    if command.session_id == user.last_session:
        return []
    if not user.active:
        raise Forbidden("This account was deactivated; ask an administrator to let you in again.")
    if command.number != user.log_ins + 1:
        raise _overtaken()
    return [UserLoggedIn(user_id=command.user_id, session_id=command.session_id, number=command.number)]


def _erase(command: EraseUser, user: User) -> Sequence[Event]:
    if user.erased:
        return []
    if not user.exists:
        raise _nobody()
    if command.log_ins != user.log_ins:
        raise _overtaken()
    return [UserErased(user_id=command.user_id)]


def _overtaken() -> LoggedInMeanwhile:
    return LoggedInMeanwhile("Somebody logged in to this account just now; try again in a moment.")


def _nobody() -> NotFound:
    return NotFound("There is no such account (any more); sign up for a new one, or list the accounts there are.")


def evolve(user: User, event: Event) -> User:
    match event:
        case UserRegistered():
            return User(exists=True, role=event.role, name=event.name)
        case TrialStarted():
            return User(exists=True, trial_until=event.expires_at)
        case TrialClaimed():
            return replace(user, trial_until=None, name=event.name)
        case ProfileUpdated():
            preferences = event.preferences or {}
            return replace(user, name=event.name, tone_of_voice=event.tone_of_voice, preferences=preferences)
        case VerificationRequested():
            sent = Verification(event.verification_id, event.token_hash or "", event.requested_at, event.expires_at)
            return replace(user, verification=sent)
        case EmailVerified():
            return replace(user, verified=True)
        case UserLoggedIn():
            return replace(user, log_ins=user.log_ins + 1, last_session=event.session_id)
        case UserRoleChanged():
            return replace(user, role=event.role)
        case UserDeactivated():
            return replace(user, active=False)
        case UserActivated():
            return replace(user, active=True)
        case UserErased():
            return User(erased=True)
        case _:
            return user


decider: Decider[User] = Decider(
    stream="user",
    initial=User(),
    decide=decide,
    evolve=evolve,
    commands=get_args(Command),
    stream_id=lambda command: command.user_id,
    creating=(RegisterUser, StartTrial),
)
