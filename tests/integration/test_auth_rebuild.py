"""Everything auth knows, lived through its own API and what it hears, can be lost and made again from the events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.auth.app import service as auth
from services.auth.domain.user import ChangeRole
from services.auth.sessions import Device, start
from services.publishing.app import service as publishing
from services.publishing.domain.connections import AddConnection, RemoveConnection
from shared.ids import new_id
from shared.kit import Kit
from shared.rebuild import passes, rebuild
from shared.rebuild.catalog import read_tables
from shared.security.tokens import generate_private_pem
from tests.integration.desk import Desk, Someone, desk
from tests.rebuilding import assert_rebuild_equals_live, rows_of
from tests.waiting import eventually

PASSWORD = "Analytical-Engine-1843"
TABLES = ["known_connections", "profiles", "sessions", "users"]


@pytest.fixture(scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    file = tmp_path_factory.mktemp("keys") / "signing_keys.pem"
    file.write_bytes(generate_private_pem())
    async with desk(auth, publishing, signing_key_file=Path(file)) as running:
        yield running


async def call(who: Someone, method: str, path: str, body: Any = None) -> Any:
    """What auth answers, which has to be a success."""
    headers = {"Authorization": f"Bearer {who.token}"} if who.token else {}
    async with who.http.request(method, who.urls["auth"] + path, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json(content_type=None) if answer.status != 204 else None


async def newcomer(platform: Desk, name: str) -> Someone:
    """Somebody who signed up and logged in."""
    stranger = Someone(platform.http, platform.urls, "", new_id())
    email = f"{name}@example.org"
    made = await call(stranger, "POST", "/api/v1/auth/signup", {"username": name, "email": email, "password": PASSWORD})
    tokens = await call(stranger, "POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
    return Someone(platform.http, platform.urls, tokens["access_token"], UUID(made["id"]))


async def connection_of(platform: Desk, who: Someone, name: str) -> UUID:
    """A connection that publishing made and auth has heard of."""
    kit, connection_id = platform.kits["publishing"], new_id()
    sealed = kit.store.cipher.encrypt(b"token").decode()
    command = AddConnection(connection_id, who.user_id, name, "x", "https://x.example", name, True, {}, sealed)
    await kit.handle(command, actor=who.user_id)
    known = "SELECT EXISTS (SELECT FROM known_connections WHERE id = $1)"
    await eventually(lambda: platform.kits["auth"].database.pool.fetchval(known, connection_id))
    return connection_id


async def live(platform: Desk) -> None:
    """Five accounts, and everything that may happen to one."""
    kit: Kit = platform.kits["auth"]
    ada, bob, eve, mallory, zoe = [await newcomer(platform, name) for name in ("ada", "bob", "eve", "mallory", "zoe")]
    await kit.handle(ChangeRole(zoe.user_id, "admin"), actor=None)
    me = await call(zoe, "POST", "/api/v1/auth/login", {"username": "zoe", "password": PASSWORD})
    zoe = Someone(platform.http, platform.urls, me["access_token"], zoe.user_id)

    await call(ada, "PATCH", "/api/v1/auth/me", {"name": "Ada", "tone_of_voice": "dry", "preferences": {"n": [1, {}]}})
    for _ in range(6):
        await start(kit, ada.user_id, "ada", "viewer", Device({"os": "Debian"}, "Firefox", "203.0.113.7"))
    pair = await start(kit, bob.user_id, "bob", "viewer", Device({}, None, None))
    await call(bob, "POST", "/api/v1/auth/refresh", {"refresh_token": pair.refresh_token})
    await call(bob, "POST", "/api/v1/auth/logout")
    await call(zoe, "PATCH", f"/api/v1/users/{bob.user_id}", {"role": "moderator"})
    await call(zoe, "PATCH", f"/api/v1/users/{eve.user_id}", {"is_active": False})
    await call(zoe, "DELETE", f"/api/v1/users/{mallory.user_id}")

    first, second = [await connection_of(platform, ada, name) for name in ("first", "second")]
    for session in (await call(ada, "GET", "/api/v1/auth/sessions"))["items"]:
        path = f"/api/v1/auth/sessions/{session['id']}"
        await call(ada, "PATCH", path, {"active_platform_id": str(second)})
    publishing_kit = platform.kits["publishing"]
    await publishing_kit.handle(RemoveConnection(second, ada.user_id), actor=ada.user_id)
    with_it = "SELECT count(*) FROM sessions WHERE active_platform_id = $1"
    await eventually(lambda: kit.database.pool.fetchval(f"SELECT ({with_it}) = 0", second))
    # The second was the platform's default, and the first takes its place.
    assert await kit.database.pool.fetchval(with_it, first) > 0


async def test_what_is_lost_is_made_again(platform: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(platform)
    kit = platform.kits["auth"]
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        assert await read_tables(connection, "auth") == TABLES
        done = await assert_rebuild_equals_live(kit, platform.admin_dsn)
        assert sorted(done.tables) == TABLES
        # Event by event, so that rows of who was erased, without their private fields, stand there for a while.
        with monkeypatch.context() as patched:
            patched.setattr(passes, "FOLDED", 1)
            await assert_rebuild_equals_live(kit, platform.admin_dsn)
        before = await rows_of(platform.admin_dsn, "auth")
        assert all(before.values()), "a table without rows proves nothing"
        await connection.execute(f"TRUNCATE {', '.join(f'auth.{table}' for table in TABLES)}")
        assert not any((await rows_of(platform.admin_dsn, "auth")).values())
        await rebuild(kit, platform.admin_dsn)
        assert await rows_of(platform.admin_dsn, "auth") == before
    finally:
        await connection.close()
