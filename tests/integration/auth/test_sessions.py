"""Sessions: logging in, refreshing and leaving, and what tokens say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.publishing import ConnectionRemoved
from services.auth.domain.user import Deactivate
from services.auth.refresh_tokens import hash_of
from shared.ids import new_id
from shared.kit import Kit
from shared.security.tokens import Verifier
from tests.integration.auth.people import (
    PASSWORD,
    Answer,
    Person,
    changed_to,
    connect,
    events_of,
    hear,
)
from tests.integration.desk import Desk
from tests.waiting import eventually


class TestLoggingIn:
    @pytest.mark.parametrize("by", ["username", "email"])
    async def test_by_name_or_address_in_any_case(self, ada: Person, by: str) -> None:
        answer = await ada.log_in(**{by: getattr(ada, by).upper()})
        assert answer.status == 200
        assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
        assert answer.json["user"]["id"] == ada.id
        assert answer.json["user"]["last_login"] is not None

    async def test_the_access_token_says_who_and_for_how_long(self, ada: Person) -> None:
        keys = await ada.call("GET", "/.well-known/jwks.json")

        async def published() -> dict[str, Any]:
            found: dict[str, Any] = keys.json
            return found

        now = datetime.now(UTC)
        claims = await Verifier(published).verify(ada.tokens["access_token"], now)
        assert (str(claims.user_id), claims.username, claims.role) == (ada.id, ada.username, "viewer")
        assert timedelta(minutes=14) < claims.expires_at - now <= timedelta(minutes=15)
        assert [session["id"] for session in await ada.sessions()] == [str(claims.session_id)]

    async def test_unknown_user_and_wrong_password_are_answered_alike(self, ada: Person, stranger: Person) -> None:
        nobody = await ada.log_in(username="nobody-" + ada.username[:20])
        unknown = await ada.log_in(email="nobody@example.org")
        wrong = await ada.log_in("Wrong-Password-1")
        too_long = await ada.log_in(PASSWORD + "x" * 100)
        for answer in (nobody, unknown, wrong, too_long):
            assert answer.status == 401
            assert "WWW-Authenticate" in answer.headers
            assert answer.json == wrong.json | {"trace_id": answer.json.get("trace_id")} or answer.json == wrong.json

    async def test_unknown_user_and_wrong_password_take_equally_long(self, ada: Person) -> None:
        async def seconds(attempt: Awaitable[Answer]) -> float:
            begun = time.perf_counter()
            assert (await attempt).status == 401
            return time.perf_counter() - begun

        unknown, wrong = [], []
        for _ in range(5):
            unknown.append(await seconds(ada.log_in(username="nobody")))
            wrong.append(await seconds(ada.log_in("Wrong-Password-1")))
        ratio = min(unknown) / min(wrong)  # the least disturbed of each
        # One bcrypt is about 99 % of either; leaving it out would give a ratio below 0.05.
        assert 0.25 < ratio < 4

    async def test_an_account_that_is_not_active_is_answered_like_none(self, ada: Person, kit: Kit) -> None:
        await kit.handle(Deactivate(UUID(ada.id)), actor=None)
        assert (await ada.log_in()).json["type"] == "urn:presswork:problem:wrong-credentials"
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401

    @pytest.mark.parametrize(
        "names", [{"username": None}, {"username": "a", "email": "a@example.org"}, {"email": 1}, {"username": ["a"]}]
    )
    async def test_one_name_is_asked_for(self, stranger: Person, names: dict[str, Any]) -> None:
        assert (await stranger.log_in(**names)).status == 422


class TestSessions:
    async def test_a_session_shows_its_device_to_its_owner(self, ada: Person) -> None:
        answer = await ada.log_in(device_info={"device_type": "mobile", "os": "Android"})
        newest, first = await Person(ada.http, ada.base, ada.username, answer.json).sessions()
        assert (newest["current"], first["current"]) == (True, False)
        assert newest["device_info"] == {"device_type": "mobile", "os": "Android"}
        assert newest["ip_address"] == "127.0.0.1"
        assert "aiohttp" in newest["user_agent"]

    async def test_pages_follow_each_other(self, ada: Person, kit: Kit) -> None:
        for _ in range(2):
            await ada.elsewhere(kit)
        first = (await ada.call("GET", "/sessions?limit=2")).json
        second = (await ada.call("GET", f"/sessions?limit=2&cursor={first['next_cursor']}")).json
        assert [each["id"] for each in first["items"] + second["items"]] == [
            each["id"] for each in await ada.sessions()
        ]
        assert second["next_cursor"] is None

    async def test_the_sixth_pushes_out_the_oldest(self, ada: Person, kit: Kit) -> None:
        others = [await ada.elsewhere(kit) for _ in range(5)]
        assert len(await others[-1].sessions()) == 5
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401
        assert all([(await each.refresh(each.tokens["refresh_token"])).status == 200 for each in others])
        reasons = await kit.database.pool.fetch(
            "SELECT data->>'reason' AS reason FROM events WHERE type = 'SessionRevoked' AND data->>'user_id' = $1",
            ada.id,
        )
        assert [row["reason"] for row in reasons] == ["pushed_out"]

    async def test_log_ins_at_the_same_moment_cannot_exceed_the_limit(self, ada: Person, kit: Kit) -> None:
        devices = await asyncio.gather(*(ada.elsewhere(kit) for _ in range(12)))
        assert len({device.tokens["refresh_token"] for device in devices}) == 12
        assert len(await ada.sessions()) == 5

    async def test_a_log_in_forgets_what_ended_long_ago(self, ada: Person, kit: Kit) -> None:
        others = [await ada.elsewhere(kit) for _ in range(2)]
        for each in (ada, others[0]):
            assert (await each.call("POST", "/logout")).status == 204
        ended = "SELECT id FROM sessions WHERE user_id = $1 AND revoked ORDER BY created_at"
        first, second = [row["id"] for row in await kit.database.pool.fetch(ended, ada.id)]
        eight_days_ago = datetime.now(UTC) - timedelta(days=8)
        # As if the first had ended a week ago and a day; open ones stay however long nothing happens to them.
        change = "UPDATE sessions SET updated_at = $1 WHERE user_id = $2 AND id <> $3"
        await kit.database.pool.execute(change, eight_days_ago, ada.id, second)
        await others[1].elsewhere(kit)
        left = await kit.database.pool.fetch("SELECT id FROM sessions WHERE user_id = $1", ada.id)
        assert first not in [row["id"] for row in left]
        assert len(left) == 3
        assert (await events_of(kit, ada.id)).count("SessionRemoved") == 1
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401

    async def test_logging_out_ends_this_session_only(self, ada: Person, kit: Kit) -> None:
        other = await ada.elsewhere(kit)
        for _ in range(2):  # twice is once
            assert (await ada.call("POST", "/logout")).status == 204
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401
        assert [each["current"] for each in await other.sessions()] == [True]

    async def test_another_device_can_be_logged_out(self, ada: Person, kit: Kit) -> None:
        other = await ada.elsewhere(kit)
        session_id = next(each["id"] for each in await ada.sessions() if not each["current"])
        assert (await ada.call("DELETE", f"/sessions/{session_id}")).status == 204
        assert (await other.refresh(other.tokens["refresh_token"])).status == 401

    async def test_all_devices_can_be_logged_out_at_once(self, ada: Person, kit: Kit) -> None:
        others = [await ada.elsewhere(kit) for _ in range(3)]
        assert (await ada.call("DELETE", "/sessions")).status == 204
        assert await ada.sessions() == []
        assert (await ada.call("DELETE", "/sessions")).status == 204
        for each in (ada, *others):
            assert (await each.refresh(each.tokens["refresh_token"])).status == 401

    async def test_a_foreign_session_does_not_exist(self, ada: Person, eve: Person) -> None:
        session_id = (await ada.sessions())[0]["id"]
        assert (await eve.call("DELETE", f"/sessions/{session_id}")).status == 404
        assert (await eve.call("DELETE", f"/sessions/{new_id()}")).status == 404
        assert (await eve.call("DELETE", f"/sessions/{eve.id}")).status == 404  # the id of something else
        assert len(await ada.sessions()) == 1


class TestRefreshing:
    async def test_both_tokens_are_new_and_the_session_stays(self, ada: Person) -> None:
        (before,) = await ada.sessions()
        answer = await ada.refresh(ada.tokens["refresh_token"])
        assert answer.status == 200
        assert answer.json["refresh_token"] != ada.tokens["refresh_token"]
        renewed = Person(ada.http, ada.base, ada.username, answer.json)
        (after,) = await renewed.sessions()
        assert after["id"] == before["id"]
        assert after["expires_at"] > before["expires_at"]
        assert after["last_used_at"] > before["last_used_at"]
        assert (await renewed.refresh(answer.json["refresh_token"])).status == 200

    async def test_an_old_token_that_comes_back_ends_the_session(self, ada: Person, kit: Kit) -> None:
        old = ada.tokens["refresh_token"]
        new = (await ada.refresh(old)).json["refresh_token"]
        assert (await ada.refresh(old)).status == 401
        stolen = await ada.refresh(new)
        assert (stolen.status, stolen.json["type"]) == (401, "urn:presswork:problem:invalid-refresh-token")
        assert await ada.sessions() == []
        assert (await events_of(kit, ada.id))[-2:] == ["SessionRefreshed", "SessionRevoked"]

    async def test_of_two_who_use_one_token_at_once_neither_stays(self, ada: Person) -> None:
        answers = await asyncio.gather(*(ada.refresh(ada.tokens["refresh_token"]) for _ in range(2)))
        assert sorted(answer.status for answer in answers) == [200, 401]
        winner = next(answer for answer in answers if answer.status == 200)
        assert (await ada.refresh(winner.json["refresh_token"])).status == 401

    async def test_a_made_up_token_for_a_known_session_ends_nothing(self, ada: Person) -> None:
        token = ada.tokens["refresh_token"]
        forged = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
        for text in (forged, "A" * 86, "nonsense", token + "="):
            assert (await ada.refresh(text)).status == 401
        assert (await ada.refresh(token)).status == 200

    async def test_a_refreshed_session_ends_all_the_same_after_its_longest_time(self, ada: Person, kit: Kit) -> None:
        began = datetime.now(UTC) - timedelta(days=28)
        await kit.database.pool.execute("UPDATE sessions SET created_at = $1 WHERE user_id = $2", began, ada.id)
        answer = await ada.refresh(ada.tokens["refresh_token"])
        (session,) = await Person(ada.http, ada.base, ada.username, answer.json).sessions()
        assert datetime.fromisoformat(session["expires_at"]) == began + timedelta(days=30)

    async def test_only_a_hash_of_the_token_is_kept(self, ada: Person, kit: Kit) -> None:
        row = await kit.database.pool.fetchrow("SELECT * FROM sessions WHERE user_id = $1", ada.id)
        assert row["refresh_token"] == hash_of(ada.tokens["refresh_token"])
        assert ada.tokens["refresh_token"] not in str(dict(row))


class TestActivePlatform:
    async def test_a_session_works_with_a_connection_until_it_is_gone(
        self, ada: Person, eve: Person, kit: Kit, platform: Desk
    ) -> None:
        first, second = new_id(), new_id()
        for connection_id in (first, second):
            await connect(kit, connection_id, UUID(ada.id))
        (session,) = await ada.sessions()
        path = f"/sessions/{session['id']}"
        changed = await ada.call("PATCH", path, {"active_platform_id": str(first)})
        assert (changed.status, changed.json["active_platform_id"]) == (200, str(first))
        assert changed.json["last_used_at"] > session["last_used_at"]
        foreign = await eve.call("PATCH", path, {"active_platform_id": None})
        theirs = await eve.call("PATCH", f"/sessions/{(await eve.sessions())[0]['id']}", changed_to(first))
        for refused in (foreign, theirs, await ada.call("PATCH", path, changed_to(new_id()))):
            assert refused.status == 404
        assert (await ada.call("PATCH", path, {})).status == 422

        await hear(kit, ConnectionRemoved(connection_id=first, user_id=UUID(ada.id), successor_id=second), 2)
        assert (await ada.sessions())[0]["active_platform_id"] in (None, str(second))

        async def left() -> bool:
            return (await ada.sessions())[0]["active_platform_id"] == str(second)

        await eventually(left)
        row = await kit.database.pool.fetchrow("SELECT * FROM user_sessions WHERE user_id = $1", ada.id)
        assert row["active_platform_id"] == second
        assert len(row["session_fingerprint"]) == 64


class TestKeys:
    async def test_all_keys_are_published_and_only_their_public_half(self, stranger: Person) -> None:
        answer = await stranger.call("GET", "/.well-known/jwks.json")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert len(answer.json["keys"]) == 2
        assert all(set(key) == {"crv", "kty", "x", "kid", "use", "alg"} for key in answer.json["keys"])
