"""An account: made once, and how its owner wants to appear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.auth import ProfileUpdated, UserErased, UserRegistered
from shared.decider import Decider, NotFound


class Keep(Enum):
    """What a change does not mention; None is a value of its own there."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class User:
    exists: bool = False
    erased: bool = False
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


@dataclass(frozen=True, slots=True)
class UpdateProfile:
    user_id: UUID
    name: str | Keep | None = KEEP
    tone_of_voice: str | Keep | None = KEEP
    preferences: Mapping[str, Any] | Keep = KEEP


@dataclass(frozen=True, slots=True)
class EraseUser:
    user_id: UUID


Command = RegisterUser | UpdateProfile | EraseUser


def decide(command: Command, user: User) -> Sequence[Event]:
    match command:
        case RegisterUser():
            return _register(command, user)
        case UpdateProfile():
            return _update(command, user)
        case EraseUser():
            return _erase(command, user)


def _register(command: RegisterUser, user: User) -> Sequence[Event]:
    if user.exists or user.erased:
        return []
    return [
        UserRegistered(
            user_id=command.user_id,
            username=command.username,
            name=command.name,
            email=command.email,
            hashed_password=command.hashed_password,
        )
    ]


def _update(command: UpdateProfile, user: User) -> Sequence[Event]:
    if not user.exists:
        raise _nobody()
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


def _erase(command: EraseUser, user: User) -> Sequence[Event]:
    if user.erased:
        return []
    if not user.exists:
        raise _nobody()
    return [UserErased(user_id=command.user_id)]


def _nobody() -> NotFound:
    return NotFound("There is no such account (any more); sign up for a new one, or list the accounts there are.")


def evolve(user: User, event: Event) -> User:
    match event:
        case UserRegistered():
            return User(exists=True, name=event.name)
        case ProfileUpdated():
            return replace(user, name=event.name, tone_of_voice=event.tone_of_voice, preferences=event.preferences)
        case UserErased():
            return User(erased=True)
        case _:
            return user


decider: Decider[User] = Decider(
    stream="user",
    initial=User(),
    decide=decide,
    evolve=evolve,
    commands=(RegisterUser, UpdateProfile, EraseUser),
    stream_id=lambda command: command.user_id,
    creating=(RegisterUser,),
)
