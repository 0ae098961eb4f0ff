"""Accounts: signing up, proving the address, and what people say of themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.publishing import ConnectionBroken
from services.auth.domain.trial import Verification
from services.auth.domain.user import RequestVerification
from services.auth.tools import Tools
from services.auth.verification_tokens import hash_of as verification_hash
from shared.ids import new_id
from shared.kit import Kit
from shared.security.tokens import Signer, generate_private_pem
from tests.integration.auth.people import (
    PASSWORD,
    Person,
    events_of,
    hear,
    mails_to,
    token_for,
)
from tests.waiting import eventually


class TestSigningUp:
    async def test_an_account_is_made_and_shows_no_password(self, stranger: Person, kit: Kit) -> None:
        made = await stranger.sign_up(name=" Ada Lovelace ")
        assert made.status == 201
        assert {"username": stranger.username, "email": stranger.email, "role": "viewer"}.items() <= made.json.items()
        assert made.json["name"] == "Ada Lovelace"
        assert not [name for name in made.json if "password" in name or "token" in name]
        row = await kit.database.pool.fetchrow("SELECT * FROM users WHERE username = $1", stranger.username)
        assert row["hashed_password"].startswith("$2b$12$")
        assert row["password_hash"] == row["hashed_password"]

    async def test_a_repeat_under_the_same_key_makes_one_account(self, stranger: Person, kit: Kit) -> None:
        first = await stranger.sign_up(key="once-" + stranger.username)
        again = await stranger.sign_up(key="once-" + stranger.username)
        assert (first.status, again.status) == (201, 201)
        assert first.json == again.json
        assert again.headers["Idempotent-Replayed"] == "true"
        assert await events_of(kit, first.json["id"]) == ["UserRegistered", "VerificationRequested"]
        assert (await stranger.log_in()).status == 200

    async def test_concurrent_twins_under_one_key_make_one_account(self, stranger: Person) -> None:
        answers = await asyncio.gather(*(stranger.sign_up(key="twins-" + stranger.username) for _ in range(4)))
        assert [answer.status for answer in answers] == [201] * 4
        assert len({answer.json["id"] for answer in answers}) == 1

    @pytest.mark.parametrize("field", ["username", "email"])
    async def test_a_name_or_address_in_use_is_refused_whatever_its_case(self, ada: Person, field: str) -> None:
        fields = {"username": "x" + ada.username, "email": "x" + ada.email, field: getattr(ada, field).upper()}
        refused = await ada.sign_up(**fields)
        assert (refused.status, refused.json["field"]) == (409, field)
        assert "choose another" in refused.json["detail"]

    @pytest.mark.parametrize("field", ["username", "email"])
    async def test_of_sign_ups_that_race_for_one_name_one_wins(self, stranger: Person, kit: Kit, field: str) -> None:
        other = "email" if field == "username" else "username"
        racing = [{other: f"r{n}{getattr(stranger, other)}"} for n in range(4)]
        answers = await asyncio.gather(*(stranger.sign_up(**fields) for fields in racing))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 3
        assert {answer.json["field"] for answer in answers if answer.status == 409} == {field}
        found = "SELECT count(*) FROM users WHERE username LIKE '%' || $1"
        assert await kit.database.pool.fetchval(found, stranger.username) == 1
        # Nothing of the losers stays in the store either.
        assert await kit.database.pool.fetchval(
            "SELECT count(*) FROM events WHERE data->>'username' LIKE '%' || $1", stranger.username
        ) == 1  # fmt: skip

    @pytest.mark.parametrize(
        ("password", "saying"),
        [
            ("Short1", "at least 8"),
            ("alllowercase1", "upper-case"),
            ("NoDigitsHere", "a digit"),
            ("Password1", "easy to guess"),
            ("Aa1" + "x" * 70, "too long"),
        ],
    )
    async def test_a_weak_password_is_refused_with_what_to_change(
        self, stranger: Person, password: str, saying: str
    ) -> None:
        refused = await stranger.sign_up(password=password)
        assert (refused.status, refused.json["type"]) == (422, "urn:presswork:problem:weak-password")
        assert saying in refused.json["detail"]
        assert refused.json["errors"][0]["pointer"] == "#/password"

    async def test_a_password_made_of_ones_own_name_is_refused(self, stranger: Person) -> None:
        refused = await stranger.sign_up(username="Archibald.Quimby7", password="Archibald.Quimby7")
        assert refused.status == 422
        assert refused.json["type"] == "urn:presswork:problem:weak-password"

    @pytest.mark.parametrize(
        "fields",
        [
            {"username": "ab"},
            {"username": "a@b.example"},
            {"username": "Ａda"},
            {"email": "ada"},
            {"email": "ada@example.org\n"},
            {"name": "a\x00b"},
            {"role": "admin"},
            {"password": 12345678},
        ],
    )
    async def test_malformed_fields_are_refused_and_not_repeated(
        self, stranger: Person, fields: dict[str, Any]
    ) -> None:
        refused = await stranger.sign_up(**fields)
        assert refused.status == 422
        assert PASSWORD not in str(refused.json)


class TestVerification:
    async def test_the_token_that_comes_by_mail_verifies_the_address(self, stranger: Person, kit: Kit) -> None:
        made = await stranger.sign_up()
        assert made.json["email_verified"] is False
        stranger.tokens = (await stranger.log_in()).json
        token = await token_for(kit, stranger.email)
        nobody = Person(stranger.http, stranger.base, stranger.username, {})
        for _ in range(2):  # twice is once
            assert (await nobody.call("POST", "/verification/confirm", {"token": token})).status == 204
        assert (await stranger.call("GET", "/me")).json["email_verified"] is True
        again = await stranger.call("POST", "/verification")
        assert (again.status, again.json["current"]) == (409, "verified")
        assert (await events_of(kit, made.json["id"])).count("EmailVerified") == 1

    async def test_another_token_replaces_the_first_but_not_at_once(self, ada: Person, kit: Kit) -> None:
        asked = await ada.call("POST", "/verification", headers={"Idempotency-Key": "again"})
        assert asked.status == 202
        assert datetime.fromisoformat(asked.json["expires_at"]) > datetime.now(UTC) + timedelta(hours=47)
        repeated = await ada.call("POST", "/verification", headers={"Idempotency-Key": "again"})
        assert (repeated.status, repeated.json) == (202, asked.json)
        assert (await ada.call("POST", "/verification")).json["current"] == "sent"
        first = await token_for(kit, ada.email)
        tools: Tools = kit.tools
        moment = datetime.now(UTC) + timedelta(minutes=2)
        second = Verification(new_id(), "", moment, moment + timedelta(hours=1))
        token = tools.verification_tokens.issue(UUID(ada.id), second.verification_id)
        second = replace(second, token_hash=verification_hash(token))
        await kit.handle(RequestVerification(UUID(ada.id), second), actor=None)
        refused = await ada.call("POST", "/verification/confirm", {"token": first})
        assert (refused.status, refused.json["type"]) == (422, "urn:presswork:problem:verification-refused")
        assert (await ada.call("POST", "/verification/confirm", {"token": token})).status == 204

    @pytest.mark.parametrize("token", ["", "nonsense", "A" * 86, "é" * 86, 5, None])
    async def test_what_is_no_token_is_refused(self, stranger: Person, token: Any) -> None:
        assert (await stranger.call("POST", "/verification/confirm", {"token": token})).status == 422


class TestNotices:
    async def test_a_broken_connection_is_told_to_users_whose_address_is_known(
        self, stranger: Person, ada: Person, kit: Kit
    ) -> None:
        told = Person(stranger.http, stranger.base, f"t{new_id().hex[-12:]}", {})
        made = await told.sign_up()
        nobody = Person(told.http, told.base, told.username, {})
        token = await token_for(kit, told.email)
        assert (await nobody.call("POST", "/verification/confirm", {"token": token})).status == 204
        what = {"token_turn": 1, "reason": "Log in there again.", "platform_type": "linkedin", "name": "Work"}
        for user_id in (UUID(ada.id), UUID(made.json["id"])):  # ada has not shown that the address is hers
            await hear(kit, ConnectionBroken(connection_id=new_id(), user_id=user_id, **what), 1)

        async def notices() -> list[str]:
            return [text for text in await mails_to(kit, told.email) if "LinkedIn does not let Presswork in" in text]

        (notice,) = await eventually(notices)
        assert "'Work'" in notice
        assert "Log in there again." in notice

        async def all_done() -> bool:
            return not await kit.database.pool.fetchval("SELECT count(*) FROM tasks WHERE kind = 'tell_of_broken'")

        await eventually(all_done)
        assert [text for text in await mails_to(kit, ada.email) if "LinkedIn" in text] == []


class TestProfile:
    async def test_what_is_left_out_stays_and_null_empties(self, ada: Person) -> None:
        change = {"name": "Ada", "tone_of_voice": "warm", "preferences": {"language": "ko", "nested": [1, None]}}
        assert (await ada.call("PATCH", "/me", change)).status == 200
        changed = await ada.call("PATCH", "/me", {"name": None})
        me = (await ada.call("GET", "/me")).json
        assert me == changed.json
        assert (me["name"], me["tone_of_voice"], me["preferences"]) == (None, "warm", change["preferences"])

    async def test_the_same_again_is_no_event(self, ada: Person, kit: Kit) -> None:
        for _ in range(2):
            await ada.call("PATCH", "/me", {"preferences": {"language": "ko"}})
        assert (await events_of(kit, ada.id)).count("ProfileUpdated") == 1

    @pytest.mark.parametrize("preferences", [None, [], {"a": "x" * 17_000}, {"a": 10**30}, {"a": {"b\x00": 1}}])
    async def test_preferences_that_cannot_be_kept_are_refused(self, ada: Person, preferences: Any) -> None:
        refused = await ada.call("PATCH", "/me", {"preferences": preferences})
        assert refused.status == 422

    @pytest.mark.parametrize(("method", "path"), [("GET", "/me"), ("PATCH", "/me"), ("GET", "/sessions")])
    async def test_only_for_those_who_are_logged_in(self, stranger: Person, method: str, path: str) -> None:
        refused = await stranger.call(method, path, {} if method == "PATCH" else None)
        assert (refused.status, refused.json["type"]) == (401, "urn:presswork:problem:unauthenticated")

    async def test_a_forged_and_an_expired_token_are_refused(self, ada: Person, signing_keys: Path) -> None:
        now = datetime.now(UTC)
        forged = Signer(generate_private_pem()).issue(new_id(), new_id(), "admin", "eve", now)
        expired = Signer(_first_key(signing_keys)).issue(new_id(), new_id(), "viewer", "ada", now - timedelta(hours=1))
        for token, kind in ((forged, "invalid-token"), (expired, "expired-token")):
            refused = await ada.call("GET", "/me", headers={"Authorization": f"Bearer {token}"})
            assert (refused.status, refused.json["type"]) == (401, f"urn:presswork:problem:{kind}")

    async def test_a_valid_token_of_nobody_finds_no_account(self, ada: Person, signing_keys: Path) -> None:
        token = Signer(_first_key(signing_keys)).issue(new_id(), new_id(), "viewer", "nobody", datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        assert (await ada.call("GET", "/me", headers=headers)).status == 404
        assert (await ada.call("PATCH", "/me", {"name": "Eve"}, headers=headers)).status == 404


def _first_key(file: Path) -> bytes:
    return file.read_bytes().partition(b"-----END")[0] + b"-----END PRIVATE KEY-----\n"
