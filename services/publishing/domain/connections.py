"""A user's accounts on the platforms: each name once, each account once, one default for each platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import (
    ConnectionActivated,
    ConnectionAdded,
    ConnectionDeactivated,
    ConnectionMadeDefault,
    ConnectionRemoved,
    ConnectionRenamed,
    ConnectionUsed,
)
from services.publishing.domain import tokens
from services.publishing.domain.connection import NO_CONNECTION, Connection, Connections, account_of, altered
from shared.decider import Conflict, Decider, NotFound
from shared.ids import derive

MOST = 50  # connections of one user
NOTED_EVERY = timedelta(hours=1)  # how exactly the last use is known; keeps the stream short


@dataclass(frozen=True, slots=True)
class AddConnection:
    """What is secret is encrypted already."""

    connection_id: UUID
    user_id: UUID
    name: str
    platform: str
    instance_url: str
    username: str | None
    is_default: bool
    settings: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    client_key: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectAccount:
    """The user let Presswork in at the platform. An account that is connected already is connected again."""

    connection_id: UUID  # of the connection that is made where there is none yet
    user_id: UUID
    platform: str
    instance_url: str
    username: str
    is_default: bool
    settings: Mapping[str, Any]
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None
    again_id: UUID | None = None  # the connection that is to work again, if one was named


@dataclass(frozen=True, slots=True)
class ChangeConnection:
    """What is None stays as it is."""

    connection_id: UUID
    user_id: UUID
    name: str | None = None
    is_active: bool | None = None
    make_default: bool = False


@dataclass(frozen=True, slots=True)
class RemoveConnection:
    connection_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class NoteUse:
    connection_id: UUID
    user_id: UUID
    at: datetime


def decide(command: Any, connections: Connections) -> Sequence[Event]:
    match command:
        case AddConnection():
            return _add(command, connections)
        case ChangeConnection():
            return _change(command, connections)
        case RemoveConnection():
            return _remove(command, connections)
        case NoteUse():
            return _note(command, connections)
        case ConnectAccount():
            return _connect(command, connections)
        case _:
            return tokens.decide(command, connections)


def _add(command: AddConnection, connections: Connections) -> list[Event]:
    if command.connection_id in connections.present or command.connection_id in connections.removed:
        return []
    if len(connections.present) >= MOST:
        raise Conflict(f"You have {MOST} connections, which is the most; remove one you no longer use.")
    for other in connections.present.values():
        if other.name == command.name:
            raise Conflict(f"You have a connection named {command.name!r} already; choose another name.")
        if command.username and (other.instance_url, other.username) == (command.instance_url, command.username):
            raise Conflict(f"{command.username} is connected already as {other.name!r}; remove that connection first.")
    before = connections.default(command.platform)
    is_default = command.is_default or before is None
    return [
        ConnectionAdded(
            connection_id=command.connection_id,
            user_id=command.user_id,
            name=command.name,
            platform_type=command.platform,
            instance_url=command.instance_url,
            username=command.username,
            is_default=is_default,
            settings=dict(command.settings),
            replaces_id=before if is_default else None,
            token_expires_at=command.expires_at,
            renewable=command.refresh_token is not None,
            access_token=command.access_token,
            refresh_token=command.refresh_token,
            client_key=command.client_key,
            client_secret=command.client_secret,
        )
    ]


def _connect(command: ConnectAccount, connections: Connections) -> Sequence[Event]:
    account = account_of(command.settings, command.username)
    known = command.again_id or connections.holding(command.platform, command.instance_url, account)
    if known is None or known == command.connection_id:
        return _add(_as_addition(command, connections), connections)
    found = connections.present.get(known)
    if found is None or found.platform != command.platform:
        raise NotFound(NO_CONNECTION)
    if found.account is not None and found.account != account:
        raise Conflict(
            f"You logged in as {command.username}, but {found.name!r} is another account. Log in there as "
            f"{found.username or 'its owner'}, or connect {command.username} as a connection of its own."
        )
    again = tokens.Reconnect(
        known, command.user_id, command.access_token, command.refresh_token, command.expires_at, command.username
    )
    return tokens.decide(again, connections)


def _as_addition(command: ConnectAccount, connections: Connections) -> AddConnection:
    taken = {connection.name for connection in connections.present.values()}
    plain = f"{command.platform} {command.username}"[:90]
    names = (plain if number == 1 else f"{plain} ({number})" for number in range(1, MOST + 2))
    return AddConnection(
        connection_id=command.connection_id,
        user_id=command.user_id,
        name=next(name for name in names if name not in taken),
        platform=command.platform,
        instance_url=command.instance_url,
        username=command.username,
        is_default=command.is_default,
        settings=command.settings,
        access_token=command.access_token,
        refresh_token=command.refresh_token,
        expires_at=command.expires_at,
    )


def _change(command: ChangeConnection, connections: Connections) -> list[Event]:
    """Each wish by itself, on what the wishes before it have led to."""
    if command.connection_id not in connections.present:
        raise NotFound(NO_CONNECTION)
    events: list[Event] = []
    for wish in (_rename, _activate, _prefer):
        found = wish(command, connections)
        for event in found:
            connections = evolve(connections, event)
        events += found
    return events


def _rename(command: ChangeConnection, connections: Connections) -> list[Event]:
    name = command.name
    if name is None or connections.present[command.connection_id].name == name:
        return []
    if any(other.name == name for other in connections.present.values()):
        raise Conflict(f"You have a connection named {name!r} already; choose another name.")
    return [ConnectionRenamed(connection_id=command.connection_id, user_id=command.user_id, name=name)]


def _activate(command: ChangeConnection, connections: Connections) -> list[Event]:
    connection, wanted = connections.present[command.connection_id], command.is_active
    if wanted is None or wanted == connection.is_active:
        return []
    whose: dict[str, UUID] = {"connection_id": command.connection_id, "user_id": command.user_id}
    if wanted:
        return [ConnectionActivated(**whose, is_default=connections.default(connection.platform) is None)]
    successor = _successor(command.connection_id, connections)
    return [ConnectionDeactivated(**whose, successor_id=successor)]


def _prefer(command: ChangeConnection, connections: Connections) -> list[Event]:
    connection = connections.present[command.connection_id]
    if not command.make_default or connection.is_default:
        return []
    if not connection.is_active:
        raise Conflict("The connection is not active; activate it before you make it the default.", current="inactive")
    before = connections.default(connection.platform)
    return [ConnectionMadeDefault(connection_id=command.connection_id, user_id=command.user_id, replaces_id=before)]


def _successor(connection_id: UUID, connections: Connections) -> UUID | None:
    """Who becomes the default when this connection cannot be any more: the newest that is active."""
    gone = connections.present[connection_id]
    others = [
        other_id
        for other_id, other in connections.present.items()
        if other.platform == gone.platform and other.is_active and other_id != connection_id
    ]
    return others[-1] if gone.is_default and others else None


def _remove(command: RemoveConnection, connections: Connections) -> list[Event]:
    if command.connection_id in connections.removed:
        return []
    if command.connection_id not in connections.present:
        raise NotFound(NO_CONNECTION)
    return [
        ConnectionRemoved(
            connection_id=command.connection_id,
            user_id=command.user_id,
            successor_id=_successor(command.connection_id, connections),
        )
    ]


def _note(command: NoteUse, connections: Connections) -> list[Event]:
    used = connections.present.get(command.connection_id)
    if used is None or (used.used_at is not None and command.at - used.used_at < NOTED_EVERY):
        return []
    return [ConnectionUsed(connection_id=command.connection_id, user_id=command.user_id, used_at=command.at)]


def evolve(connections: Connections, event: Event) -> Connections:
    present = dict(connections.present)
    match event:
        case ConnectionAdded():
            altered(present, event.replaces_id, is_default=False)
            present[event.connection_id] = Connection(
                event.name,
                event.platform_type,
                event.instance_url,
                event.username,
                event.is_default,
                account=account_of(event.settings, event.username),
            )
        case ConnectionRenamed():
            altered(present, event.connection_id, name=event.name)
        case ConnectionMadeDefault():
            altered(present, event.replaces_id, is_default=False)
            altered(present, event.connection_id, is_default=True)
        case ConnectionDeactivated():
            altered(present, event.connection_id, is_active=False, is_default=False)
            altered(present, event.successor_id, is_default=True)
        case ConnectionActivated():
            altered(present, event.connection_id, is_active=True, is_default=event.is_default)
        case ConnectionUsed():
            altered(present, event.connection_id, used_at=event.used_at)
        case ConnectionRemoved():
            present.pop(event.connection_id, None)
            altered(present, event.successor_id, is_default=True)
            return Connections(present, connections.removed | {event.connection_id})
        case _:
            return tokens.evolve(connections, event)
    return Connections(present, connections.removed)


decider: Decider[Connections] = Decider(
    stream="connection",
    initial=Connections(),
    decide=decide,
    evolve=evolve,
    commands=(AddConnection, ConnectAccount, ChangeConnection, RemoveConnection, NoteUse, *tokens.COMMANDS),
    # One stream a user: what must be unique or the only default among them is decided in one place.
    stream_id=lambda command: derive("connections", command.user_id),
)
