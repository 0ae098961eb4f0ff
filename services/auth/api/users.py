"""Accounts as administrators see them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.auth import queries
from services.auth.domain.session import RevokeSession
from services.auth.domain.user import Activate, ChangeRole, Deactivate
from services.auth.erasing import erase
from services.auth.schemas import Account, AccountChange
from shared.decider import Forbidden, NotFound
from shared.http.pagination import Page, PageQuery
from shared.http.user import Admin
from shared.kit import Kit, kit_of
from shared.roles import Role
from shared.security.tokens import Claims

router = APIRouter(prefix="/api/v1/users", tags=["users"])


@router.get("")
async def list_users(
    request: Request, user: Admin, page: PageQuery, role: Role | None = None, is_active: bool | None = None
) -> Page[Account]:
    """All accounts, newest first."""
    kit = await _for_admin(request, user)
    async with kit.database.reading(user.user_id, user.role) as connection:
        rows = await queries.accounts(connection, page, role, is_active)
    return page.page(rows, lambda row: Account(**row))


@router.get("/{user_id}")
async def read_user(user_id: UUID, request: Request, user: Admin) -> Account:
    """One account."""
    return await _account(await _for_admin(request, user), user, user_id)


@router.patch("/{user_id}")
async def change_user(user_id: UUID, body: AccountChange, request: Request, user: Admin) -> Account:
    """Give somebody a role, shut them out or let them in again. An access token goes on until it expires."""
    kit = await _for_admin(request, user)
    if user_id == user.user_id:
        raise Forbidden("You may not change your own role or access; ask another administrator.")
    commands: list[Any] = [] if body.role is None else [ChangeRole(user_id, body.role)]
    if body.is_active:
        commands.append(Activate(user_id))
    elif body.is_active is False:
        async with kit.database.reading(None) as connection:
            rows = await queries.not_revoked(connection, user_id)
        commands += [Deactivate(user_id), *(RevokeSession(row["id"], user_id, "deactivated") for row in rows)]
    await kit.handle(commands[0], actor=user.user_id, also=commands[1:])
    return await _account(kit, user, user_id)


@router.delete("/{user_id}", status_code=204)
async def erase_user(user_id: UUID, request: Request, user: Admin) -> Response:
    """Erase somebody's account for good, and what hangs on it in every service."""
    kit = await _for_admin(request, user)
    await erase(kit, user_id, actor=user.user_id)
    return Response(status_code=204)


async def _for_admin(request: Request, user: Claims) -> Kit:
    """A token may be older than the loss of the role that it names; here one can look. Raises Forbidden."""
    kit = kit_of(request)
    async with kit.database.reading(None) as connection:
        role = await queries.role(connection, user.user_id)
    if role != "admin":
        raise Forbidden("This takes the role of an admin, which you do not have any more; ask another administrator.")
    return kit


async def _account(kit: Kit, user: Claims, user_id: UUID) -> Account:
    async with kit.database.reading(user.user_id, user.role) as connection:
        row = await queries.account(connection, user_id)
    if row is None:
        raise NotFound("There is no such account; list the accounts to see which there are.")
    return Account(**row)
