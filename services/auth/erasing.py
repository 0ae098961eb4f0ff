"""Erasing an account with everything that hangs on it here."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from services.auth import queries
from services.auth.domain.session import RemoveSession
from services.auth.domain.user import EraseUser, LoggedInMeanwhile
from services.auth.sessions import TRIES
from shared.kit import Kit


async def erase(kit: Kit, user_id: UUID, *, actor: UUID) -> None:
    """The account and its sessions go; other services hear of it. Raises NotFound when there never was one,
    LoggedInMeanwhile when new sessions kept coming."""
    for left in reversed(range(TRIES)):
        async with kit.database.reading(None) as connection:
            # The number first: it vouches for the sessions.
            log_ins = await queries.log_ins(connection, user_id)
            session_ids = await queries.all_sessions(connection, user_id)
        now = datetime.now(UTC)
        sessions = [RemoveSession(session_id, now, erased=True) for session_id in session_ids]
        try:
            await kit.handle(EraseUser(user_id, log_ins), actor=actor, also=sessions)
            return
        except LoggedInMeanwhile:
            if not left:
                raise
