"""Connecting an account by logging in at its platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.publishing import queries
from services.publishing.accounts import NAMES
from services.publishing.connectors import Connection as Account
from services.publishing.connectors import PublishError
from services.publishing.domain.connection import NO_CONNECTION, Connections, account_of
from services.publishing.domain.connections import ConnectAccount
from services.publishing.oauth.client import Refused, Tokens, Unavailable
from services.publishing.oauth.state import LIFETIME, State, new_verifier, seal, unseal
from services.publishing.schemas import Authorization, Authorize, Connection
from services.publishing.tools import Tools
from shared.decider import Invalid, NotFound
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.ids import new_id
from shared.kit import Kit, kit_of

router = APIRouter(prefix="/api/v1/connections", tags=["connections"])

_BEGIN_AGAIN = "Begin again at /api/v1/connections/authorize."


@router.post("/authorize")
async def authorize(body: Authorize, request: Request, user: CurrentUser) -> Authorization:
    """Where to log in at the platform. It sends the user back with `code` and `state` for the callback."""
    kit = kit_of(request)
    tools: Tools = kit.tools
    if not tools.oauth.offers(body.platform):
        name = NAMES[body.platform]
        raise Invalid(f"No app is registered at {name}, so nobody can log in there. Connect {name} with a token.")
    if body.connection_id is not None:
        async with kit.database.reading(user.user_id) as connection:
            known = await queries.connection(connection, body.connection_id)
        if known is None or known["platform"] != body.platform:
            raise NotFound(NO_CONNECTION)
    now = datetime.now(UTC)
    state = State(
        connection_id=new_id(),
        user_id=user.user_id,
        platform=body.platform,
        verifier=new_verifier(),
        is_default=body.is_default,
        again_id=body.connection_id,
        expires_at=now + LIFETIME,
    )
    sealed = seal(state, kit.store.cipher)
    url = tools.oauth.address(body.platform, sealed, state.verifier)
    return Authorization(url=url, state=sealed, expires_at=state.expires_at)


@router.get("/callback")
async def callback(
    request: Request,
    user: CurrentUser,
    state: Annotated[str, Query(max_length=2000, description="As the platform sent it back.")],
    code: Annotated[str | None, Query(max_length=4000, description="What the platform gave for agreeing.")] = None,
    error: Annotated[str | None, Query(max_length=200, description="Why the platform gave no code.")] = None,
    error_description: Annotated[str | None, Query(max_length=2000)] = None,
) -> Connection:
    """Connect the account that the user logged in to; one that is connected already works again, and its posts go on.

    The one who calls has to be the one who began: whoever lures somebody else into agreeing gets no account of theirs.
    """
    kit = kit_of(request)
    begun = unseal(state, user.user_id, datetime.now(UTC), kit.store.cipher)
    name = NAMES[begun.platform]
    if error is not None or not code:
        raise Invalid(f"{name} did not let Presswork in: {error_description or error or 'no code'}. {_BEGIN_AGAIN}")
    made = await _made(kit, begun)
    if made is None:
        found = await _connect(kit, begun, code)
        made = await _made(kit, begun, found)
    if made is None:
        raise NotFound(NO_CONNECTION)
    return Connection(**made)


async def _made(kit: Kit, begun: State, connection_id: UUID | None = None) -> Any:
    """The connection as a row; without an id the one that this very log-in has made, if it did."""
    async with kit.database.reading(begun.user_id) as connection:
        return await queries.connection(connection, connection_id or begun.connection_id)


async def _connect(kit: Kit, begun: State, code: str) -> UUID:
    tools: Tools = kit.tools
    name, base_url = NAMES[begun.platform], tools.settings.base_urls()[begun.platform]
    try:
        tokens: Tokens = await tools.oauth.exchange(begun.platform, code, begun.verifier)
        account = Account(begun.connection_id, begun.platform, base_url, None, tokens.access_token)
        username, settings = await tools.accounts.who(account)
    except Refused as refused:
        raise Invalid(f"{refused.reason} A code is good once. {_BEGIN_AGAIN}") from refused
    except (Unavailable, PublishError) as away:
        detail = f"{away.reason} Nothing is connected yet. {_BEGIN_AGAIN}"
        raise Problem(502, "platform-unavailable", f"{name} unavailable", detail) from away

    def sealed(secret: str) -> str:
        return kit.store.cipher.encrypt(secret.encode()).decode()

    command = ConnectAccount(
        connection_id=begun.connection_id,
        user_id=begun.user_id,
        platform=begun.platform,
        instance_url=base_url,
        username=username[:200],
        is_default=begun.is_default,
        settings=settings,
        access_token=sealed(tokens.access_token),
        refresh_token=None if tokens.refresh_token is None else sealed(tokens.refresh_token),
        expires_at=tokens.expires_at,
        again_id=begun.again_id,
    )
    after: Connections = await kit.handle(command, actor=begun.user_id)
    if begun.again_id is not None:
        return begun.again_id
    return after.holding(begun.platform, base_url, account_of(settings, username[:200])) or begun.connection_id
