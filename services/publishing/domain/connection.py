"""What a user's connections are at the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

NO_CONNECTION = "There is no such connection; list your connections to see which there are."


@dataclass(frozen=True, slots=True)
class Connection:
    name: str
    platform: str
    instance_url: str
    username: str | None
    is_default: bool
    used_at: datetime | None = None
    is_active: bool = True
    account: str | None = None  # what tells the platform's accounts apart, as far as it is known
    token_turn: int = 1
    broken: bool = False
    paused_until: datetime | None = None


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

    def holding(self, platform: str, instance_url: str, account: str | None) -> UUID | None:
        """The connection to this account."""
        wanted = platform, instance_url, account
        for connection_id, each in self.present.items():
            if account is not None and (each.platform, each.instance_url, each.account) == wanted:
                return connection_id
        return None


def account_of(settings: Mapping[str, Any], username: str | None) -> str | None:
    """The platform's own id of an account, else its name: people may change names, and share them on LinkedIn."""
    known = settings.get("user_id") or settings.get("author_urn") or username
    return str(known) if known else None


def altered(present: dict[UUID, Connection], connection_id: UUID | None, **fields: Any) -> None:
    """Change a connection that is there."""
    if connection_id in present:
        present[connection_id] = replace(present[connection_id], **fields)
