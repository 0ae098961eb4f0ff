"""Your own account: sign-up, log-in, tokens, profile."""

from __future__ import annotations

import asyncio
import ipaddress
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, FastAPI, Request, Response

from services.auth import queries, sessions
from services.auth.domain.session import RefreshRefused, RevokeSession
from services.auth.domain.trial import ClaimTrial
from services.auth.domain.user import RegisterUser, UpdateProfile
from services.auth.erasing import erase
from services.auth.schemas import (
    Erase,
    KeySet,
    LoggedIn,
    LogIn,
    ProfileChange,
    Refresh,
    SignUp,
    TokenPair,
    User,
)
from services.auth.sessions import Device, TooManyLogIns
from services.auth.tools import Tools
from services.auth.verification import new_verification
from shared.decider import Conflict, Invalid, NotFound
from shared.http.errors import unavailable
from shared.http.idempotency import Idempotency
from shared.http.openapi import problem_answer
from shared.http.problem import Problem
from shared.http.user import CurrentUser, OptionalUser
from shared.kit import Kit, kit_of
from shared.roles import TRIAL
from shared.security import passwords
from shared.security.tokens import Verifier

_UNIQUE = {
    "users_username_key": "username",
    "idx_user_username": "username",
    "idx_users_email": "email",
    "idx_user_email": "email",
}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="presswork"'}
_KEYS_LIVE_SECONDS = 300
_USER_AGENT_CHARACTERS = 512


@asynccontextmanager
async def _own_keys(app: FastAPI) -> AsyncIterator[None]:
    """Auth checks tokens with the keys it signs with, and need not ask itself for them over HTTP."""
    signer = app.state.kit.tools.signer

    async def published() -> dict[str, Any]:
        keys: dict[str, Any] = signer.jwks()
        return keys

    app.state.verifier = Verifier(published)
    yield


router = APIRouter(lifespan=_own_keys)


@router.post("/api/v1/auth/signup", status_code=201, tags=["account"])
async def sign_up(body: SignUp, request: Request, user: OptionalUser, idempotency: Idempotency) -> User:
    """Make an account. 409 names the field (`username` or `email`) that somebody has already.

    With the access token of a trial, the trial becomes the account and keeps all that it made; log in afterwards.
    A mail goes to the address, to show that it is yours.
    """
    claiming = user is not None and user.role == TRIAL
    user_id = user.user_id if user is not None and claiming else idempotency.id()
    hashed = ""
    if not idempotency.replayed:
        hashed = await _hashed(body)
    asked = new_verification(kit_of(request).tools, user_id, idempotency.id("verification"))
    command: RegisterUser | ClaimTrial
    if claiming:
        command = ClaimTrial(user_id, body.username, body.email, hashed, asked, datetime.now(UTC), body.name)
    else:
        command = RegisterUser(user_id, body.username, body.email, hashed, body.name, asked)
    try:
        await idempotency.handle(command, actor=user_id)
    except asyncpg.UniqueViolationError as error:
        field = _UNIQUE.get(error.constraint_name or "")
        if field is None:
            raise
        raise Conflict(f"Somebody has this {field} already; choose another, or log in.", field=field) from None
    return await _user(kit_of(request), user_id)


async def _hashed(body: SignUp) -> str:
    password = body.password.get_secret_value()
    personal = [body.username, body.email, *body.email.split("@"), body.name or ""]
    try:
        # Guessing takes up to 20 ms of pure Python: too long for the event loop.
        await asyncio.to_thread(passwords.check_strength, password, personal)
    except passwords.WeakPassword as error:
        errors = [{"pointer": "#/password", "detail": str(error)}]
        raise Problem(422, "weak-password", "Weak password", str(error), errors=errors) from None
    return await passwords.hash_password(password)


@router.post("/api/v1/auth/login", tags=["account"], responses={401: problem_answer(401)})
async def log_in(body: LogIn, request: Request) -> LoggedIn:
    """Start a session. The sixth pushes out the oldest."""
    kit = kit_of(request)
    async with kit.database.reading(None) as connection:
        if body.username is not None:
            found = await queries.by_username(connection, body.username)
        else:
            found = await queries.by_email(connection, unicodedata.normalize("NFC", body.email or ""))
    # Nobody's password takes as long to check as somebody's wrong one, and is answered alike.
    hashed = None if found is None else found["hashed_password"]
    fits = await passwords.verify_password(body.password.get_secret_value(), hashed)
    if found is None or not fits:
        detail = "The name or the password is wrong; correct it, or sign up."
        raise Problem(401, "wrong-credentials", "Wrong credentials", detail, headers=_CHALLENGE)
    user = await _user(kit, found["id"])
    device = device_of(request, body.device_info)
    try:
        pair = await sessions.start(kit, user.id, user.username, user.role, device)
    except TooManyLogIns:
        raise unavailable("Too many log-ins of this account at once; try again in a moment.") from None
    return LoggedIn(**pair.model_dump(), user=await _user(kit, user.id))


@router.post("/api/v1/auth/refresh", tags=["account"], responses={401: problem_answer(401)})
async def refresh(body: Refresh, request: Request) -> TokenPair:
    """Get both tokens anew. The old refresh token is dead; if it comes back, its session is ended."""
    kit = kit_of(request)
    tools: Tools = kit.tools
    presented = tools.refresh_tokens.read(body.refresh_token.get_secret_value())
    try:
        if presented is None:
            raise RefreshRefused("Send `refresh_token` exactly as it was given, or log in again.")
        return await sessions.renew(kit, presented)
    except RefreshRefused as error:
        problem = ("invalid-refresh-token", "Invalid refresh token", error.message)
        raise Problem(401, *problem, headers=_CHALLENGE) from None


@router.post("/api/v1/auth/logout", status_code=204, tags=["account"])
async def log_out(request: Request, user: CurrentUser) -> Response:
    """End this session. The access token goes on being valid until it expires; forget it."""
    await kit_of(request).handle(RevokeSession(user.session_id, user.user_id, "logged_out"), actor=user.user_id)
    return Response(status_code=204)


@router.get("/api/v1/auth/me", tags=["account"])
async def read_me(request: Request, user: CurrentUser) -> User:
    """Your account."""
    return await _user(kit_of(request), user.user_id)


@router.patch("/api/v1/auth/me", tags=["account"])
async def change_me(body: ProfileChange, request: Request, user: CurrentUser) -> User:
    """Change how you appear and how drafts should sound."""
    kit = kit_of(request)
    await kit.handle(UpdateProfile(user.user_id, **body.model_dump(exclude_unset=True)), actor=user.user_id)
    return await _user(kit, user.user_id)


@router.delete("/api/v1/auth/me", status_code=204, tags=["account"])
async def erase_me(body: Erase, request: Request, user: CurrentUser) -> Response:
    """Erase your account for good, and what hangs on it in every service. The password is asked for again.

    A trial has none: send an empty object.
    """
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        hashed = await queries.password_hash(connection, user.user_id)
    if hashed is None:
        raise NotFound("This account does not exist any more.")
    if hashed:
        if body.password is None:
            raise Invalid("Send your `password` again, so that nobody else erases your account; nothing was erased.")
        if not await passwords.verify_password(body.password.get_secret_value(), hashed):
            raise Problem(403, "wrong-password", "Wrong password", "The password is wrong; nothing was erased.")
    await erase(kit, user.user_id, actor=user.user_id)
    return Response(status_code=204)


@router.get("/.well-known/jwks.json", tags=["account"])
async def read_keys(request: Request, response: Response) -> KeySet:
    """The public keys that access tokens are verified with."""
    tools: Tools = kit_of(request).tools
    response.headers["Cache-Control"] = f"public, max-age={_KEYS_LIVE_SECONDS}"
    return KeySet(**tools.signer.jwks())


async def _user(kit: Kit, user_id: UUID) -> User:
    async with kit.database.reading(user_id) as connection:
        row = await queries.user(connection, user_id)
    if row is None:
        raise NotFound("This account does not exist any more; sign up for a new one.")
    return User(**row)


def device_of(request: Request, info: dict[str, str]) -> Device:
    """Where a request comes from."""
    return Device(info, _user_agent(request), _address(request))


def _user_agent(request: Request) -> str | None:
    return request.headers.get("user-agent", "")[:_USER_AGENT_CHARACTERS] or None


def _address(request: Request) -> str | None:
    """The client's address; the gateway replaces the header with the one address it has made sure of."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(forwarded or (request.client.host if request.client else "")))
    except ValueError:
        return None
