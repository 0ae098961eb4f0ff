"""A user's accounts on the platforms: each name once, each account once, one default for each platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import ConnectionAdded, ConnectionRemoved, ConnectionUsed
from shared.decider import Conflict, Decider, NotFound
from shared.ids import derive

MOST = 50  # connections of one user
NOTED_EVERY = timedelta(hours=1)  # how exactly the last use is known; keeps the stream short


@dataclass(frozen=True, slots=True)
class AddConnection:
    """`access_token` is encrypted already."""

    connection_id: UUID
    user_id: UUID
    name: str
    platform: str
    instance_url: str
    username: str | None
    is_default: bool
    settings: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)


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


@dataclass(frozen=True, slots=True)
class Connections:
    """All of one user's, oldest first."""

    present: Mapping[UUID, Connection] = field(default_factory=dict)
    removed: frozenset[UUID] = frozenset()

    def default(self, platform: str) -> UUID | None:
        """The default of a platform; every platform with a connection has one."""
        for connection_id, connection in self.present.items():
            if connection.platform == platform and connection.is_default:
                return connection_id
        return None


def decide(command: Any, connections: Connections) -> Sequence[Event]:
    match command:
        case AddConnection():
            return _add(command, connections)
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
        )
    ]


def _remove(command: RemoveConnection, connections: Connections) -> list[Event]:
    if command.connection_id in connections.removed:
        return []
    gone = connections.present.get(command.connection_id)
    if gone is None:
        raise NotFound("There is no such connection; list your connections to see which there are.")
    left = [other_id for other_id, other in connections.present.items() if other.platform == gone.platform]
    left.remove(command.connection_id)
    return [
        ConnectionRemoved(
            connection_id=command.connection_id,
            user_id=command.user_id,
            successor_id=left[-1] if gone.is_default and left else None,
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
        case ConnectionUsed():
            if event.connection_id in present:
                present[event.connection_id] = replace(present[event.connection_id], used_at=event.used_at)
        case ConnectionRemoved():
            present.pop(event.connection_id, None)
            if event.successor_id in present:
                present[event.successor_id] = replace(present[event.successor_id], is_default=True)
            return Connections(present, connections.removed | {event.connection_id})
        case _:
            return connections
    return Connections(present, connections.removed)


decider: Decider[Connections] = Decider(
    stream="connection",
    initial=Connections(),
    decide=decide,
    evolve=evolve,
    commands=(AddConnection, RemoveConnection, NoteUse),
    # One stream a user: what must be unique or the only default among them is decided in one place.
    stream_id=lambda command: derive("connections", command.user_id),
)
