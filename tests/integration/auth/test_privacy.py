"""What stays with auth, who sees it, and how it goes for good."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from alembic import command

from contracts.envelope import START
from deploy.migrate import alembic_config, migrate
from services.auth.app import service as auth
from services.auth.domain.session import StartSession
from services.auth.domain.user import ChangeRole
from shared.eventstore.private_keys import PrivateKeys
from shared.eventstore.rows import batches, dumps
from shared.ids import new_id
from shared.kit import Kit
from shared.security.fields import NoKeyFits
from tests.integration.auth.people import (
    PASSWORD,
    PROFILE,
    Person,
    administrator,
    connect,
    events_of,
    private_fields,
)
from tests.integration.desk import Desk
from tests.row_security import assert_row_security


class TestErasing:
    async def test_an_account_goes_with_all_its_rows_and_its_name_is_free(self, ada: Person, kit: Kit) -> None:
        other = await ada.elsewhere(kit)
        await ada.call("DELETE", "/sessions")
        assert (await other.call("DELETE", "/me", {"password": PASSWORD})).status == 204
        for table, column in (("users", "id"), ("profiles", "user_id"), ("sessions", "user_id")):
            found = f"SELECT count(*) FROM {table} WHERE {column} = $1"
            assert await kit.database.pool.fetchval(found, ada.id) == 0, table
        assert (await events_of(kit, ada.id))[-3:] == ["UserErased", "SessionRemoved", "SessionRemoved"]
        assert (await ada.log_in()).status == 401
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401
        again = Person(ada.http, ada.base, ada.username, {})
        assert (await again.sign_up()).status == 201

    async def test_what_was_private_cannot_be_read_any_more(self, ada: Person, eve: Person, kit: Kit) -> None:
        user_id = UUID(ada.id)
        assert (await ada.call("PATCH", "/me", PROFILE)).status == 200
        before = await private_fields(kit, user_id)
        known = PROFILE | {"email": ada.email, "user_agent": "Firefox", "device_info": {"os": "Debian"}}
        assert known.items() <= before.items()
        stored = await kit.database.pool.fetch(
            "SELECT private FROM events WHERE data->>'user_id' = $1 AND private IS NOT NULL", ada.id
        )
        assert (await ada.call("DELETE", "/me", {"password": PASSWORD})).status == 204
        after = await private_fields(kit, user_id)
        assert before.keys() == after.keys()
        assert set(after.values()) == {None}
        for row in stored:  # nor with the key of the service, which is all that is left
            with pytest.raises(NoKeyFits):
                kit.store.cipher.decrypt(row["private"][1:])
        key = await kit.database.pool.fetchrow("SELECT sealed FROM private_keys WHERE user_id = $1", user_id)
        assert key["sealed"] is None
        assert (await private_fields(kit, UUID(eve.id)))["email"] == eve.email

    async def test_nothing_private_is_written_of_who_is_forgotten(self, ada: Person, kit: Kit, platform: Desk) -> None:
        elsewhere = Kit(auth, kit.settings)
        await elsewhere.database.open()
        try:
            await ada.call("DELETE", "/me", {"password": PASSWORD})
            key = new_id()
            late = StartSession(key, UUID(ada.id), 9, "hash", datetime.now(UTC), user_agent="Firefox")
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await elsewhere.handle(late, actor=None)
            await elsewhere.store.keys.prepare([UUID(ada.id)])
            assert elsewhere.store.keys.encrypt(b"private", UUID(ada.id)) is None
        finally:
            await elsewhere.database.close()

    async def test_twins_that_need_a_users_first_key_get_the_same(self, kit: Kit) -> None:
        user_id = new_id()
        keys = [PrivateKeys(kit.database, kit.store.cipher) for _ in range(4)]
        await asyncio.gather(*(each.prepare([user_id]) for each in keys))
        sealed = await kit.database.pool.fetchval("SELECT sealed FROM private_keys WHERE user_id = $1", user_id)
        for each in keys:
            written = each.encrypt(b"private", user_id)
            assert written is not None
            assert keys[0].decrypt(written, sealed) == b"private"

    async def test_the_password_is_asked_for_again(self, ada: Person, kit: Kit) -> None:
        refused = await ada.call("DELETE", "/me", {"password": "Wrong-Password-1"})
        assert (refused.status, refused.json["type"]) == (403, "urn:presswork:problem:wrong-password")
        for body in (None, {}, {"password": ""}, {"password": PASSWORD, "sure": True}):
            assert (await ada.call("DELETE", "/me", body)).status == 422
        assert "UserErased" not in await events_of(kit, ada.id)

    async def test_a_second_time_there_is_no_account(self, ada: Person) -> None:
        assert (await ada.call("DELETE", "/me", {"password": PASSWORD})).status == 204
        assert (await ada.call("DELETE", "/me", {"password": PASSWORD})).status == 404

    async def test_administrators_erase_whom_they_wish(self, ada: Person, eve: Person, kit: Kit) -> None:
        root = await administrator(eve, kit)
        assert (await root.call("DELETE", f"/api/v1/users/{ada.id}")).status == 204
        assert (await root.call("DELETE", f"/api/v1/users/{ada.id}")).status == 204
        assert (await root.call("DELETE", f"/api/v1/users/{new_id()}")).status == 404
        assert (await ada.call("GET", "/me")).status == 404

    async def test_others_erase_nobody_else(self, ada: Person, eve: Person, kit: Kit) -> None:
        refused = await eve.call("DELETE", f"/api/v1/users/{ada.id}")
        assert (refused.status, refused.json["type"]) == (403, "urn:presswork:problem:forbidden")
        assert "role of an admin" in refused.json["detail"]
        root = await administrator(eve, kit)
        await kit.handle(ChangeRole(UUID(eve.id), "viewer"), actor=None)
        stale = await root.call("DELETE", f"/api/v1/users/{ada.id}")
        assert (stale.status, "any more" in stale.json["detail"]) == (403, True)
        assert (await ada.call("GET", "/me")).status == 200


class TestPrivacy:
    async def test_profile_address_device_and_hashes_never_leave_the_store(
        self, ada: Person, kit: Kit, platform: Desk
    ) -> None:
        await ada.refresh(ada.tokens["refresh_token"])
        await ada.call("PATCH", "/me", PROFILE)
        headers = {"X-Presswork-Internal-Token": kit.settings.internal_token}
        async with platform.http.get(ada.base + "/internal/feed", headers=headers) as answer:
            lines = [line for line in (await answer.text()).splitlines() if ada.id in line]
        assert len(lines) == 5
        row = await kit.database.pool.fetchrow("SELECT * FROM users WHERE id = $1", ada.id)
        for secret in (
            ada.email,
            "example.org",
            row["hashed_password"],
            "203.0.113.7",
            "Firefox",
            "Debian",
            "Lovelace",
            "warm",
            "language",
            "number",
            "refresh_token",
        ):
            assert not [line for line in lines if secret in line], secret
        stored = await kit.database.pool.fetch("SELECT private FROM events WHERE data->>'user_id' = $1", ada.id)
        assert all(b"example.org" not in each["private"] for each in stored)

    async def test_neither_address_nor_password_is_logged(self, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        await ada.log_in("Wrong-Password-1", email=ada.email)
        await ada.sign_up(username="x" + ada.username)
        await ada.log_in(email=ada.email)
        assert ada.email not in caplog.text
        assert PASSWORD not in caplog.text

    async def test_a_user_sees_no_row_of_another(self, ada: Person, kit: Kit) -> None:
        for reader, seen in ((new_id(), 0), (ada.id, 1)):
            async with kit.database.reading(reader) as connection:
                for table, column in (
                    ("users", "id"),
                    ("profiles", "user_id"),
                    ("sessions", "user_id"),
                    ("user_sessions", "user_id"),
                ):
                    rows = await connection.fetch(f"SELECT * FROM {table} WHERE {column} = $1", ada.id)
                    assert len(rows) == seen, table
                assert await connection.fetchval("SELECT count(*) FROM users") == seen

    async def test_the_view_bears_the_other_names(self, ada: Person, kit: Kit) -> None:
        row = await kit.database.pool.fetchrow("SELECT * FROM user_sessions WHERE user_id = $1", ada.id)
        assert row["session_id"] == str(row["id"])
        assert (row["is_active"], row["ip_address"]) == (True, "203.0.113.7")


class TestRowSecurity:
    async def test_users_see_their_own_rows_and_administrators_all(
        self, ada: Person, eve: Person, kit: Kit, platform: Desk
    ) -> None:
        mine, theirs = UUID(ada.id), UUID(eve.id)
        for user_id in (mine, theirs):
            await connect(kit, new_id(), user_id)
        tables = {"users": "id", "profiles": "user_id", "sessions": "user_id", "known_connections": "user_id"}
        for table, owner in tables.items():
            await assert_row_security(
                platform.dsns["auth"], table, mine=mine, theirs=theirs, owner=owner, staff_reads="admin"
            )


class TestRows:
    async def test_rows_made_from_the_events_again_equal_the_live_ones(self, ada: Person, kit: Kit) -> None:
        await ada.call("PATCH", "/me", {"name": "Ada", "preferences": {"language": "ko"}})
        await ada.refresh(ada.tokens["refresh_token"])
        for _ in range(5):
            await ada.elsewhere(kit)
        tables = ("users", "profiles", "sessions")
        connection = await kit.database.connect()
        try:
            for table in tables:
                await connection.execute(f"CREATE TEMP TABLE again_{table} (LIKE {table} INCLUDING ALL)")
            changes = []
            for row in await kit.store.in_commit_order(START, 100_000, connection):
                event = kit.store.restore(row)
                if getattr(event, "user_id", None) is not None and str(event.user_id) == ada.id:
                    changes += kit.projections.changes(event)
            for batch in batches(changes, kit.database.primary_keys):
                await connection.execute(batch.sql(f"again_{batch.table}"), dumps(batch.rows))
            for table in tables:
                key = "id" if table == "users" else "user_id"
                live = await connection.fetch(f"SELECT * FROM {table} WHERE {key} = $1 ORDER BY 1", ada.id)
                made = await connection.fetch(f"SELECT * FROM again_{table} ORDER BY 1")
                assert made == live
                assert live
        finally:
            await connection.close()

    async def test_the_tables_can_be_taken_back_and_made_again(self, platform: Desk) -> None:
        admin = await asyncpg.connect(platform.admin_dsn)
        try:
            await admin.execute("CREATE DATABASE taken_back")
        finally:
            await admin.close()
        dsn = platform.admin_dsn.rpartition("/")[0] + "/taken_back"
        await migrate(dsn, {})
        await asyncio.to_thread(command.downgrade, alembic_config(dsn, "auth"), "0001")
        connection = await asyncpg.connect(dsn)
        left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relname LIKE '%sess%'"
        assert await connection.fetchval(left) == 0
        await asyncio.to_thread(command.upgrade, alembic_config(dsn, "auth"), "head")
        assert await connection.fetchval(left) > 0
        await connection.close()
