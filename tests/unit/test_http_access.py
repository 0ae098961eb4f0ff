"""Who a service lets in: users with a valid token, and other services with the internal one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import aiohttp
import asyncpg
import pytest
from fastapi import APIRouter

from shared.http.app import create_app
from shared.http.errors import to_problem
from shared.http.internal import HEADER, InternalOnly
from shared.http.user import Admin, CurrentUser, Moderator, OptionalUser, Reviewer
from shared.ids import new_id
from shared.roles import ROLES
from shared.security.tokens import Signer, Verifier, generate_private_pem
from tests.unit.serving import serve

router = APIRouter()
signer = Signer(generate_private_pem())


@router.get("/me")
async def me(user: CurrentUser) -> str:
    return user.username


@router.get("/hello")
async def hello(user: OptionalUser) -> str:
    return user.username if user else "stranger"


@router.get("/reviewer")
async def review(user: Reviewer) -> str:
    return user.role


@router.get("/moderator")
async def moderate(user: Moderator) -> str:
    return user.role


@router.get("/admin")
async def administer(user: Admin) -> str:
    return user.role


@router.get("/internal/x", dependencies=[InternalOnly])
async def internal() -> str:
    return "inside"


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    app = create_app(title="Access", service="access", routers=[router])

    async def keys() -> dict[str, object]:
        return signer.jwks()

    app.state.verifier = Verifier(keys)
    app.state.kit = SimpleNamespace(settings=SimpleNamespace(internal_token="schlüssel"))
    async with serve(app) as url:
        async with aiohttp.ClientSession(url) as session:
            yield session


def bearer(lifetime: timedelta = timedelta(minutes=1), scheme: str = "Bearer", role: str = "viewer") -> dict[str, str]:
    token = signer.issue(new_id(), new_id(), role, "ada", datetime.now(UTC), lifetime)
    return {"Authorization": f"{scheme} {token}"}


async def test_a_valid_token_names_the_user(http: aiohttp.ClientSession) -> None:
    assert await (await http.get("/me", headers=bearer())).json() == "ada"
    assert await (await http.get("/me", headers=bearer(scheme="bearer"))).json() == "ada"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "unauthenticated"),
        ({"Authorization": "Bearer "}, "unauthenticated"),
        ({"Authorization": "Basic YTpi"}, "invalid-token"),
        ({"Authorization": "Bearer a.b.c"}, "invalid-token"),
        (bearer(timedelta(seconds=-5)), "expired-token"),
    ],
)
async def test_any_other_token_is_refused_with_its_reason(
    http: aiohttp.ClientSession, headers: dict[str, str], kind: str
) -> None:
    answer = await http.get("/me", headers=headers)
    body = await answer.json(content_type="application/problem+json")
    assert (answer.status, body["type"]) == (401, f"urn:presswork:problem:{kind}")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="presswork"')
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == (kind != "unauthenticated")


async def test_an_optional_user_may_be_absent_but_not_forged(http: aiohttp.ClientSession) -> None:
    assert await (await http.get("/hello")).json() == "stranger"
    assert await (await http.get("/hello", headers=bearer())).json() == "ada"
    assert (await http.get("/hello", headers={"Authorization": "Bearer a.b.c"})).status == 401


@pytest.mark.parametrize(("shown", "status"), [("schlüssel", 200), ("schlussel", 403), ("", 403), (None, 403)])
async def test_internal_routes_need_the_internal_token(
    http: aiohttp.ClientSession, shown: str | None, status: int
) -> None:
    headers = {} if shown is None else {HEADER: shown}
    assert (await http.get("/internal/x", headers=headers)).status == status


async def test_an_empty_secret_opens_nothing() -> None:
    app = create_app(title="Access", service="access", routers=[router])
    app.state.kit = SimpleNamespace(settings=SimpleNamespace(internal_token=""))
    async with serve(app) as url, aiohttp.ClientSession(url) as session:
        assert (await session.get("/internal/x", headers={HEADER: ""})).status == 403


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (asyncpg.CannotConnectNowError("starting up"), 503),
        (asyncpg.ConnectionDoesNotExistError("gone"), 503),
        (ConnectionRefusedError(), 503),
        (asyncpg.UntranslatableCharacterError("\\u0000"), 422),
        (asyncpg.CharacterNotInRepertoireError("0x00"), 422),
        (asyncpg.UndefinedTableError("bug"), 500),
        (ValueError("bug"), 500),
    ],
)
def test_a_lost_database_is_unavailable_and_a_bug_is_a_bug(error: Exception, status: int) -> None:
    problem = to_problem(error, {"type": "http", "path": "/", "headers": []})
    assert problem.status == status
    assert ("Retry-After" in problem.headers) == (status == 503)
    assert str(error) not in problem.detail or not str(error)


@pytest.mark.parametrize("role", ["", "user", "Admin", *ROLES])
async def test_a_role_opens_what_is_for_it_and_for_those_below(http: aiohttp.ClientSession, role: str) -> None:
    rank = ROLES.index(role) if role in ROLES else 0  # type: ignore[arg-type]
    for needed in ROLES[1:]:
        async with http.get(f"/{needed}", headers=bearer(role=role)) as answer:
            if rank >= ROLES.index(needed):
                assert (answer.status, await answer.json()) == (200, role)
            else:
                problem = await answer.json()
                assert (answer.status, problem["type"]) == (403, "urn:presswork:problem:forbidden")
                assert needed in problem["detail"]
