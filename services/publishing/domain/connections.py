"""A user's accounts on the platforms: each name once, each account once, one default for each platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from shared.decider import Conflict, Decider, NotFound
from shared.ids import derive

MOST = 50  # connections of one user
_NONE = "There is no such connection; list your connections to see which there are."
NOTED_EVERY = timedelta(hours=1)  # how exactly the last use is known; keeps the stream short


@dataclass(frozen=True, slots=True)
class AddConnection:
    """`access_token`, `client_key` and `client_secret` are encrypted already."""

    connection_id: UUID
    user_id: UUID
    name: str
    platform: str
    instance_url: str
    username: str | None
    is_default: bool
    settings: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    client_key: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)


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


@dataclass(frozen=True, slots=True)
class Connection:
    name: str
    platform: str
    instance_url: str
    username: str | None
    is_default: bool
    used_at: datetime | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Connections:
    """All of one user's, oldest first."""

    present: Mapping[UUID, Connection] = field(default_factory=dict)
    removed: frozenset[UUID] = frozenset()

    def default(self, platform: str) -> UUID | None:
        """The default of a platform; every platform with an active connection has one."""
        for connection_id, connection in self.present.items():
            if connection.platform == platform and connection.is_default:
                return connection_id
        return None


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
        case _:
            return []


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
            access_token=command.access_token,
            client_key=command.client_key,
            client_secret=command.client_secret,
        )
    ]


def _change(command: ChangeConnection, connections: Connections) -> list[Event]:
    """Each wish by itself, on what the wishes before it have led to."""
    if command.connection_id not in connections.present:
        raise NotFound(_NONE)
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
        raise NotFound(_NONE)
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
            if event.replaces_id in present:
                present[event.replaces_id] = replace(present[event.replaces_id], is_default=False)
            present[event.connection_id] = Connection(
                event.name, event.platform_type, event.instance_url, event.username, event.is_default
            )
        case ConnectionRenamed():
            _alter(present, event.connection_id, name=event.name)
        case ConnectionMadeDefault():
            _alter(present, event.replaces_id, is_default=False)
            _alter(present, event.connection_id, is_default=True)
        case ConnectionDeactivated():
            _alter(present, event.connection_id, is_active=False, is_default=False)
            _alter(present, event.successor_id, is_default=True)
        case ConnectionActivated():
            _alter(present, event.connection_id, is_active=True, is_default=event.is_default)
        case ConnectionUsed():
            _alter(present, event.connection_id, used_at=event.used_at)
        case ConnectionRemoved():
            present.pop(event.connection_id, None)
            _alter(present, event.successor_id, is_default=True)
            return Connections(present, connections.removed | {event.connection_id})
        case _:
            return connections
    return Connections(present, connections.removed)


def _alter(present: dict[UUID, Connection], connection_id: UUID | None, **fields: Any) -> None:
    if connection_id in present:
        present[connection_id] = replace(present[connection_id], **fields)


decider: Decider[Connections] = Decider(
    stream="connection",
    initial=Connections(),
    decide=decide,
    evolve=evolve,
    commands=(AddConnection, ChangeConnection, RemoveConnection, NoteUse),
    # One stream a user: what must be unique or the only default among them is decided in one place.
    stream_id=lambda command: derive("connections", command.user_id),
)
