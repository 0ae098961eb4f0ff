"""How long auth keeps what is over: sessions that were ended, and sessions that ran out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.auth.domain.session import RemoveSession
from shared.retention import Rule
from shared.retention.commands import ByCommand

# What ends a session is its last change.
_REVOKED = (
    "SELECT id, updated_at AS at FROM sessions WHERE revoked AND updated_at < $1 ORDER BY updated_at, id LIMIT $2"
)
_EXPIRED = """
SELECT id, expires_at AS at FROM sessions WHERE NOT revoked AND expires_at < $1 ORDER BY expires_at, id LIMIT $2
"""


def _remove(row: Mapping[str, Any], cutoff: datetime) -> RemoveSession:
    return RemoveSession(row["id"], cutoff)


RULES = (
    Rule("revoked_sessions", "sessions that were ended", "ended_session_days", ByCommand(_REVOKED, _remove)),
    Rule(
        "expired_sessions",
        "sessions that ran out",
        "retention_expired_sessions_days",
        ByCommand(_EXPIRED, _remove),
    ),
)
