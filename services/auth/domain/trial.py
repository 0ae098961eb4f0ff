"""A trial: an account without an address, for some days, unless somebody signs up with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from contracts.envelope import Event
from contracts.events.auth import TrialClaimed, TrialStarted
from shared.decider import Conflict, Forbidden

if TYPE_CHECKING:
    from services.auth.domain.user import User


@dataclass(frozen=True, slots=True)
class Verification:
    """A token that goes to the user's address; of the token itself only the hash is kept."""

    verification_id: UUID
    token_hash: str = field(repr=False)
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StartTrial:
    user_id: UUID
    username: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimTrial:
    """`hashed_password` is a bcrypt hash; `verification` tells a repeat from a second claim."""

    user_id: UUID
    username: str
    email: str = field(repr=False)
    hashed_password: str = field(repr=False)
    verification: Verification
    now: datetime
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EndTrial:
    """`log_ins`: how many there were when the sessions that go with the account were listed."""

    user_id: UUID
    log_ins: int
    now: datetime


def start(command: StartTrial, user: User) -> Sequence[Event]:
    if user.exists or user.erased:
        return []
    return [TrialStarted(user_id=command.user_id, username=command.username, expires_at=command.expires_at)]


def claim(command: ClaimTrial, user: User) -> Sequence[Event]:
    """Nothing, when this very claim was made before. Raises Conflict for a second one, Forbidden when it is late."""
    if user.trial_until is None:
        sent = user.verification
        if sent is not None and sent.verification_id == command.verification.verification_id:
            return []
        raise Conflict("This trial has become an account already; log in to it.", current="claimed")
    if command.now >= user.trial_until:
        raise Forbidden("This trial is over and what it made is being removed; sign up without its token.")
    return [
        TrialClaimed(
            user_id=command.user_id,
            username=command.username,
            name=user.name if command.name is None else command.name,
            email=command.email,
            hashed_password=command.hashed_password,
        )
    ]


def is_over(command: EndTrial, user: User) -> bool:
    """Whether it is a trial whose time has come. Raises Conflict when it was claimed, so that nothing of it goes."""
    if user.exists and user.trial_until is None:
        raise Conflict("This trial has become an account; it stays.", current="claimed")
    return user.trial_until is not None and command.now >= user.trial_until


def refuse(user: User, sentence: str) -> None:
    """Raises Conflict for what a trial cannot have."""
    if user.trial_until is not None:
        raise Conflict(sentence, current="trial")
