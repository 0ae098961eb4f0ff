"""A connection's tokens: renewed in time, refused by the platform, given anew by the user.

A token has a turn. What is said of an earlier turn comes too late and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import (
    ConnectionBroken,
    ConnectionPaused,
    ConnectionReconnected,
    ConnectionTokenRenewed,
)
from services.publishing.domain.connection import NO_CONNECTION, Connections, altered
from shared.decider import NotFound


@dataclass(frozen=True, slots=True)
class RenewToken:
    """The platform gave a new token for that of `turn`; without a new refresh token the old one stays."""

    connection_id: UUID
    user_id: UUID
    turn: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class BreakConnection:
    """The platform refuses the token of `turn`, and it cannot be renewed."""

    connection_id: UUID
    user_id: UUID
    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The user gives another token."""

    connection_id: UUID
    user_id: UUID
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None
    username: str | None = None  # None: as it was


@dataclass(frozen=True, slots=True)
class PauseConnection:
    """The platform takes no more from this account until then."""

    connection_id: UUID
    user_id: UUID
    until: datetime


COMMANDS = (RenewToken, BreakConnection, Reconnect, PauseConnection)


def decide(command: Any, connections: Connections) -> Sequence[Event]:
    """Raises NotFound when the user means a connection that is not there; what workers say of one is passed by."""
    connection = connections.present.get(command.connection_id)
    if connection is None:
        if isinstance(command, Reconnect):
            raise NotFound(NO_CONNECTION)
        return []
    whose: dict[str, Any] = {"connection_id": command.connection_id, "user_id": command.user_id}
    match command:
        case RenewToken(turn=connection.token_turn):
            return [
                ConnectionTokenRenewed(
                    **whose,
                    token_turn=connection.token_turn + 1,
                    token_expires_at=command.expires_at,
                    access_token=command.access_token,
                    refresh_token=command.refresh_token,
                )
            ]
        case BreakConnection(turn=connection.token_turn) if not connection.broken:
            return [
                ConnectionBroken(
                    **whose,
                    token_turn=command.turn,
                    reason=command.reason,
                    platform_type=connection.platform,
                    name=connection.name,
                )
            ]
        case Reconnect():
            return [
                ConnectionReconnected(
                    **whose,
                    token_turn=connection.token_turn + 1,
                    username=command.username or connection.username,
                    token_expires_at=command.expires_at,
                    renewable=command.refresh_token is not None,
                    access_token=command.access_token,
                    refresh_token=command.refresh_token,
                )
            ]
        case PauseConnection() if connection.paused_until is None or connection.paused_until < command.until:
            return [ConnectionPaused(**whose, until=command.until)]
    return []


def evolve(connections: Connections, event: Event) -> Connections:
    present = dict(connections.present)
    match event:
        case ConnectionTokenRenewed():
            altered(present, event.connection_id, token_turn=event.token_turn, broken=False)
        case ConnectionReconnected():
            altered(present, event.connection_id, token_turn=event.token_turn, broken=False, username=event.username)
        case ConnectionBroken():
            altered(present, event.connection_id, broken=True)
        case ConnectionPaused():
            altered(present, event.connection_id, paused_until=event.until)
        case _:
            return connections
    return Connections(present, connections.removed)
