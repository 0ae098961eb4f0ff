"""Accounts as administrators see them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.auth import queries
from services.auth.erasing import erase
from shared.decider import Forbidden
from shared.http.user import Admin
from shared.kit import Kit

router = APIRouter(prefix="/api/v1/users")


@router.delete("/{user_id}", status_code=204, tags=["users"])
async def erase_user(user_id: UUID, request: Request, user: Admin) -> Response:
    """Erase somebody's account for good, and what hangs on it in every service."""
    kit: Kit = request.app.state.kit
    await _still_admin(kit, user.user_id)
    await erase(kit, user_id, actor=user.user_id)
    return Response(status_code=204)


async def _still_admin(kit: Kit, user_id: UUID) -> None:
    """A token may be older than the loss of the role that it names; here one can look."""
    async with kit.database.reading(None) as connection:
        role = await queries.role(connection, user_id)
    if role != "admin":
        raise Forbidden("This takes the role of an admin, which you do not have any more; ask another administrator.")
