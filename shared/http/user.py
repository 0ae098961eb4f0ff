"""Who asks: the user named by the access token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.http.problem import Problem
from shared.roles import Role, may
from shared.security.tokens import Claims, InvalidToken, Verifier

# A message of the verifier that begins so is about age, not about forgery.
_EXPIRED = "The access token has expired"

_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT", description="Access token of log-in.")


async def verified(verifier: Verifier, authorization: str | None) -> Claims:
    """The claims of an `Authorization` header. Raises a 401 Problem that tells missing, expired and invalid apart."""
    scheme, _, token = (authorization or "").partition(" ")
    if not token.strip():
        detail = "Log in and send the access token as `Authorization: Bearer <token>`."
        raise _unauthenticated("unauthenticated", "Not logged in", detail)
    if scheme.lower() != "bearer":
        raise _refused("invalid-token", "Invalid token", "Send the access token as `Authorization: Bearer <token>`.")
    try:
        return await verifier.verify(token.strip(), datetime.now(UTC))
    except InvalidToken as error:
        if str(error).startswith(_EXPIRED):
            raise _refused("expired-token", "Token expired", str(error)) from None
        raise _refused("invalid-token", "Invalid token", str(error)) from None


def _refused(kind: str, title: str, detail: str) -> Problem:
    return _unauthenticated(kind, title, detail, f', error="invalid_token", error_description="{title}"')


def _unauthenticated(kind: str, title: str, detail: str, challenge: str = "") -> Problem:
    return Problem(401, kind, title, detail, headers={"WWW-Authenticate": 'Bearer realm="presswork"' + challenge})


async def _current_user(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
) -> Claims:
    return await verified(request.app.state.verifier, request.headers.get("authorization"))


async def _optional_user(request: Request) -> Claims | None:
    if "authorization" not in request.headers:
        return None
    return await verified(request.app.state.verifier, request.headers["authorization"])


CurrentUser = Annotated[Claims, Depends(_current_user)]
OptionalUser = Annotated[Claims | None, Depends(_optional_user)]


def _at_least(least: Role) -> Callable[[Claims], Awaitable[Claims]]:
    async def allowed(user: CurrentUser) -> Claims:
        if not may(user.role, least):
            article = "an" if least[0] in "aeiou" else "a"
            detail = f"This takes the role of {article} {least}; ask an administrator for it, then refresh your tokens."
            raise Problem(403, "forbidden", "Forbidden", detail)
        return user

    return allowed


# Users with this role or one above it; everybody else is refused with 403. The role is the token's, hence at most as
# old as an access token may be.
Reviewer = Annotated[Claims, Depends(_at_least("reviewer"))]
Moderator = Annotated[Claims, Depends(_at_least("moderator"))]
Admin = Annotated[Claims, Depends(_at_least("admin"))]
