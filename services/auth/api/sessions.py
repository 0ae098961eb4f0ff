"""Where you are logged in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.auth import queries
from services.auth.domain.session import RevokeSession, SelectPlatform
from services.auth.schemas import Session, SessionChange
from shared.decider import NotFound
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/auth/sessions", tags=["account"])

_NO_SESSION = "There is no such session; list your sessions to see which there are."
_NO_CONNECTION = "There is no such connection; list your connections to see which there are."


@router.get("")
async def list_sessions(request: Request, user: CurrentUser, page: PageQuery) -> Page[Session]:
    """Where you are logged in, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.open_sessions(connection, user.user_id, datetime.now(UTC), page)
    return page.page(rows, lambda row: Session(**row, current=row["id"] == user.session_id))


@router.delete("", status_code=204)
async def log_out_everywhere(request: Request, user: CurrentUser) -> Response:
    """End all your sessions, this one too."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        rows = await queries.not_revoked(connection, user.user_id)
    commands = [RevokeSession(row["id"], user.user_id, "logged_out") for row in rows]
    if commands:
        await kit.handle(commands[0], actor=user.user_id, also=commands[1:])
    return Response(status_code=204)


@router.patch("/{session_id}")
async def change_session(session_id: UUID, body: SessionChange, request: Request, user: CurrentUser) -> Session:
    """Say which of your connections you work with in this session, or none."""
    kit = kit_of(request)
    wanted = body.active_platform_id
    async with kit.database.reading(user.user_id) as connection:
        if wanted is not None and not await queries.is_known(connection, wanted, user.user_id):
            raise NotFound(_NO_CONNECTION)
    await kit.handle(SelectPlatform(session_id, user.user_id, wanted), actor=user.user_id)
    async with kit.database.reading(user.user_id) as connection:
        row = await queries.own_session(connection, session_id, user.user_id)
    if row is None:
        raise NotFound(_NO_SESSION)
    return Session(**row, current=session_id == user.session_id)


@router.delete("/{session_id}", status_code=204)
async def end_session(session_id: UUID, request: Request, user: CurrentUser) -> Response:
    """End one of your sessions."""
    await kit_of(request).handle(RevokeSession(session_id, user.user_id, "revoked"), actor=user.user_id)
    return Response(status_code=204)
