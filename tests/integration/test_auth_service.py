"""Auth at work: sign-up, log-in, sessions and their tokens, on a real database and broker."""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes as email_message
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import jwt
import pytest
from alembic import command

from contracts.envelope import START, Event, Meta
from contracts.events.publishing import ConnectionAdded, ConnectionBroken, ConnectionRemoved
from deploy.migrate import alembic_config, migrate
from services.auth import administrators
from services.auth.administrators import promote
from services.auth.app import service as auth
from services.auth.domain.session import StartSession
from services.auth.domain.trial import StartTrial, Verification
from services.auth.domain.user import ChangeRole, Deactivate, RegisterUser, RequestVerification
from services.auth.refresh_tokens import hash_of
from services.auth.sessions import Device, start
from services.auth.tools import Tools
from services.auth.verification_tokens import hash_of as verification_hash
from shared.eventstore.private_keys import PrivateKeys
from shared.eventstore.rows import batches, dumps
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit
from shared.security.fields import NoKeyFits
from shared.security.passwords import hash_password
from shared.security.tokens import Signer, Verifier, generate_private_pem
from tests.integration.desk import Desk, desk
from tests.row_security import assert_row_security
from tests.waiting import eventually

PASSWORD = "Analytical-Engine-1843"


@dataclass
class Answer:
    status: int
    headers: Any
    json: Any


@dataclass
class Person:
    """Somebody before auth, logged in or not."""

    http: aiohttp.ClientSession
    base: str
    username: str
    tokens: dict[str, Any]
    id: str = ""

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"

    async def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        sent = dict(headers or {})
        if self.tokens:
            sent.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        url = path if path.startswith(("/.", "/api/")) else "/api/v1/auth" + path
        async with self.http.request(method, self.base + url, json=body, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.json(content_type=None))

    async def sign_up(self, *, key: str = "", **fields: Any) -> Answer:
        body = {"username": self.username, "email": self.email, "password": PASSWORD, **fields}
        return await self.call("POST", "/signup", body, headers={"Idempotency-Key": key} if key else {})

    async def log_in(self, password: str = PASSWORD, **fields: Any) -> Answer:
        names = {} if {"username", "email"} & set(fields) else {"username": self.username}
        return await self.call("POST", "/login", {**names, "password": password, **fields})

    async def refresh(self, token: str) -> Answer:
        return await self.call("POST", "/refresh", {"refresh_token": token})

    async def sessions(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/sessions")
        assert answer.status == 200, answer.json
        found: list[dict[str, Any]] = answer.json["items"]
        return found

    async def elsewhere(self, kit: Kit) -> Person:
        """The same person on another device; past the password, whose checking takes a quarter of a second."""
        pair = await start(kit, UUID(self.id), self.username, "viewer", Device({}, "Firefox", "203.0.113.7"))
        return Person(self.http, self.base, self.username, pair.model_dump(), self.id)


@pytest.fixture(scope="module")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "signing_keys.pem"
    file.write_bytes(generate_private_pem() + generate_private_pem())
    return file


@pytest.fixture(scope="module")
async def platform(signing_keys: Path) -> AsyncIterator[Desk]:
    async with desk(auth, signing_key_file=signing_keys) as running:
        yield running


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["auth"]


@pytest.fixture
def stranger(platform: Desk) -> Person:
    return Person(platform.http, platform.urls["auth"], f"u{new_id().hex[-12:]}", {})


@pytest.fixture(scope="module")
async def hashed() -> str:
    return await hash_password(PASSWORD)


@pytest.fixture
async def ada(stranger: Person, kit: Kit, hashed: str) -> Person:
    """Somebody with an account, logged in."""
    return await registered(stranger, kit, hashed)


@pytest.fixture
async def eve(platform: Desk, kit: Kit, hashed: str) -> Person:
    """Somebody else."""
    return await registered(Person(platform.http, platform.urls["auth"], f"e{new_id().hex[-12:]}", {}), kit, hashed)


async def registered(person: Person, kit: Kit, hashed: str) -> Person:
    user_id = new_id()
    await kit.handle(RegisterUser(user_id, person.username, person.email, hashed), actor=user_id)
    person.id = str(user_id)
    return await person.elsewhere(kit)


async def private_fields(kit: Kit, user_id: UUID) -> dict[str, Any]:
    """The private fields of a user's events, as read now."""
    rows = await kit.store.in_commit_order(START, 100_000)
    events = [kit.store.restore(row) for row in rows if row["private"] is not None]
    mine = [event for event in events if getattr(event, "user_id", None) == user_id]
    return {name: getattr(event, name) for event in mine for name in event.private_fields}


async def token_for(kit: Kit, email: str) -> str:
    """The token in the mail that went to this address."""

    def look() -> str:
        for file in (kit.settings.data_dir / "mail").glob("*.eml"):
            message = email_message(file.read_bytes())
            if message["To"] == email:
                return str(message.get_payload()).partition("confirm:")[2].split()[0]
        return ""

    return await eventually(look)


async def mails_to(kit: Kit, email: str) -> list[str]:
    """The texts of the mail that went to this address."""
    messages = [email_message(file.read_bytes()) for file in (kit.settings.data_dir / "mail").glob("*.eml")]
    return [str(message.get_payload()) for message in messages if message["To"] == email]


async def hear(kit: Kit, event: Event, version: int) -> None:
    """Auth hears of a connection, as if publishing had said so just now."""
    key = event.connection_id  # type: ignore[attr-defined]
    event.at(Meta(new_id(), event.stream, key, version, datetime.now(UTC), key))
    unit = kit.unit()
    unit.changes.extend(kit.projections.changes(event))
    await unit.follow(kit.reactions.outcomes(event), Cause(key, event.meta.event_id))
    await unit.commit()
    kit.made(unit)


async def connect(kit: Kit, connection_id: UUID, user_id: UUID) -> None:
    added = {"name": "X", "platform_type": "x", "instance_url": "https://x.example"}
    await hear(kit, ConnectionAdded(connection_id=connection_id, user_id=user_id, **added), 1)


def changed_to(connection_id: UUID) -> dict[str, str]:
    return {"active_platform_id": str(connection_id)}


def role_in(tokens: dict[str, Any]) -> str:
    """What an access token says of its user, unchecked."""
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return str(claims["role"])


async def administrator(person: Person, kit: Kit) -> Person:
    """The same person with the role."""
    await kit.handle(ChangeRole(UUID(person.id), "admin"), actor=None)
    pair = await start(kit, UUID(person.id), person.username, "admin", Device({}, None, None))
    return Person(person.http, person.base, person.username, pair.model_dump(), person.id)


async def events_of(kit: Kit, user_id: str) -> list[str]:
    """Types of all events of a user's account and sessions, oldest first."""
    rows = await kit.database.pool.fetch(
        "SELECT type FROM events WHERE data->>'user_id' = $1 ORDER BY position", user_id
    )
    return [row["type"] for row in rows]


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


class TestTrials:
    @staticmethod
    async def begun(stranger: Person) -> Person:
        """Somebody who has begun a trial."""
        answer = await stranger.call("POST", "/api/v1/trial")
        assert answer.status == 201, answer.json
        return Person(stranger.http, stranger.base, stranger.username, answer.json, answer.json["user_id"])

    @staticmethod
    async def lasting(kit: Kit, until: datetime) -> tuple[UUID, dict[str, Any]]:
        """A trial that lasts until then, and its tokens."""
        user_id = new_id()
        await kit.handle(StartTrial(user_id, f"trial-{user_id.hex}", until), actor=user_id)
        pair = await start(kit, user_id, f"trial-{user_id.hex}", "trial", Device({}, None, None), until=until)
        return user_id, pair.model_dump()

    async def test_nobody_has_to_say_who_they_are(self, stranger: Person) -> None:
        trial = await self.begun(stranger)
        until = datetime.fromisoformat(trial.tokens["expires_at"])
        assert timedelta(days=6, hours=23) < until - datetime.now(UTC) <= timedelta(days=7)
        assert role_in(trial.tokens) == "trial"
        me = (await trial.call("GET", "/me")).json
        assert (me["id"], me["email"], me["trial_expires_at"]) == (trial.id, None, trial.tokens["expires_at"])
        renewed = await trial.refresh(trial.tokens["refresh_token"])
        assert (renewed.status, role_in(renewed.json)) == (200, "trial")
        assert (await trial.log_in("", username=me["username"])).status == 422
        assert (await trial.log_in("x", email=f"{trial.id}@trial.invalid")).status == 401

    async def test_signing_up_keeps_the_very_same_account(self, stranger: Person, kit: Kit) -> None:
        trial = await self.begun(stranger)
        await trial.call("PATCH", "/me", {"tone_of_voice": "warm"})
        first = await trial.sign_up(name="Ada", key="claim-" + stranger.username)
        again = await trial.sign_up(name="Ada", key="claim-" + stranger.username)
        assert (first.status, again.status) == (201, 201), first.json
        assert first.json == again.json
        kept = {"id": trial.id, "email": trial.email, "name": "Ada", "tone_of_voice": "warm", "trial_expires_at": None}
        assert kept.items() <= first.json.items()
        assert (await trial.log_in()).json["user"]["id"] == trial.id
        renewed = await trial.refresh(trial.tokens["refresh_token"])
        assert role_in(renewed.json) == "viewer"
        token = await token_for(kit, trial.email)
        assert (await trial.call("POST", "/verification/confirm", {"token": token})).status == 204
        to_do = "SELECT count(*) FROM tasks WHERE kind = 'end_trial' AND payload->>'user_id' = $1"
        assert await kit.database.pool.fetchval(to_do, trial.id) == 0

    async def test_a_trial_is_claimed_once(self, stranger: Person) -> None:
        trial = await self.begun(stranger)
        assert (await trial.sign_up()).status == 201
        refused = await trial.sign_up(username="b" + trial.username[1:], email="b" + trial.email)
        assert (refused.status, refused.json["current"]) == (409, "claimed")
        assert "log in" in refused.json["detail"]

    @pytest.mark.parametrize("field", ["username", "email"])
    async def test_a_claim_with_what_somebody_has_changes_nothing(
        self, stranger: Person, ada: Person, kit: Kit, field: str
    ) -> None:
        trial = await self.begun(stranger)
        fields = {
            "username": "x" + stranger.username,
            "email": "x" + stranger.email,
            field: getattr(ada, field).upper(),
        }
        refused = await trial.sign_up(**fields)
        assert (refused.status, refused.json["field"]) == (409, field)
        assert await events_of(kit, trial.id) == ["TrialStarted", "UserLoggedIn", "SessionStarted"]
        assert (await trial.sign_up(username="y" + stranger.username, email="y" + stranger.email)).status == 201

    async def test_what_is_over_opens_nothing(self, stranger: Person, kit: Kit) -> None:
        _, tokens = await self.lasting(kit, datetime.now(UTC) - timedelta(seconds=1))
        late = replace(stranger, tokens=tokens)
        refused = await late.sign_up()
        assert (refused.status, refused.json["type"]) == (401, "urn:presswork:problem:expired-token")
        assert (await stranger.refresh(tokens["refresh_token"])).status == 401

    async def test_it_is_erased_when_its_time_has_come(self, kit: Kit) -> None:
        user_id, _ = await self.lasting(kit, datetime.now(UTC) + timedelta(seconds=1))

        async def gone() -> bool:
            return bool((await events_of(kit, str(user_id)))[-2:] == ["UserErased", "SessionRemoved"])

        await eventually(gone)
        assert await kit.database.pool.fetchval("SELECT count(*) FROM users WHERE id = $1", user_id) == 0

    async def test_no_role_and_no_mail_for_a_trial(self, stranger: Person, eve: Person, kit: Kit) -> None:
        trial = await self.begun(stranger)
        asked = await trial.call("POST", "/verification")
        assert (asked.status, asked.json["current"]) == (409, "trial")
        root = await administrator(eve, kit)
        changed = await root.call("PATCH", f"/api/v1/users/{trial.id}", {"role": "admin"})
        assert (changed.status, changed.json["current"]) == (409, "trial")
        assert (await trial.call("GET", "/api/v1/users")).status == 403
        assert (await root.call("GET", f"/api/v1/users/{trial.id}")).json["email"] is None


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
        for _ in range(3):
            unknown.append(await seconds(ada.log_in(username="nobody")))
            wrong.append(await seconds(ada.log_in("Wrong-Password-1")))
        ratio = statistics.median(unknown) / statistics.median(wrong)
        # One bcrypt is about 99 % of either; leaving it out would give a ratio below 0.05.
        assert 0.5 < ratio < 2

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
        before = await private_fields(kit, user_id)
        assert (ada.email, "Firefox") == (before["email"], before["user_agent"])
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


class TestAdministration:
    async def test_a_new_role_is_in_the_next_tokens(self, ada: Person, eve: Person, kit: Kit) -> None:
        root = await administrator(eve, kit)
        changed = await root.call("PATCH", f"/api/v1/users/{ada.id}", {"role": "moderator"})
        assert (changed.status, changed.json["role"], changed.json["email"]) == (200, "moderator", ada.email)
        assert role_in(ada.tokens) == "viewer"
        assert role_in((await ada.refresh(ada.tokens["refresh_token"])).json) == "moderator"
        assert role_in((await ada.log_in()).json) == "moderator"

    async def test_who_is_shut_out_is_out_everywhere_until_let_in(self, ada: Person, eve: Person, kit: Kit) -> None:
        root = await administrator(eve, kit)
        path = f"/api/v1/users/{ada.id}"
        assert (await root.call("PATCH", path, {"is_active": False})).json["is_active"] is False
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401
        assert (await ada.log_in()).status == 401
        assert (await root.call("PATCH", path, {"is_active": True, "role": "reviewer"})).json["role"] == "reviewer"
        assert (await ada.log_in()).status == 200
        assert (await ada.refresh(ada.tokens["refresh_token"])).status == 401

    async def test_accounts_are_listed_in_pages_and_by_role(self, ada: Person, eve: Person, kit: Kit) -> None:
        root = await administrator(eve, kit)
        first = (await root.call("GET", "/api/v1/users?limit=1")).json
        second = (await root.call("GET", f"/api/v1/users?limit=1&cursor={first['next_cursor']}")).json
        newest = (await root.call("GET", "/api/v1/users?limit=2")).json["items"]
        assert first["items"] + second["items"] == newest
        assert {each["id"] for each in newest} == {ada.id, eve.id}
        assert not [key for key in newest[0] if "password" in key or "token" in key]
        admins = (await root.call("GET", "/api/v1/users?role=admin&is_active=true&limit=100")).json["items"]
        assert eve.id in [each["id"] for each in admins]
        assert {each["role"] for each in admins} == {"admin"}

    async def test_nobody_changes_themselves(self, eve: Person, kit: Kit) -> None:
        root = await administrator(eve, kit)
        for change in ({"role": "viewer"}, {"is_active": False}):
            refused = await root.call("PATCH", f"/api/v1/users/{eve.id}", change)
            assert (refused.status, "another administrator" in refused.json["detail"]) == (403, True)

    @pytest.mark.parametrize(
        "change", [{}, {"role": None}, {"role": "owner"}, {"is_active": "maybe"}, {"email": "x@example.org"}]
    )
    async def test_other_changes_are_refused(self, ada: Person, eve: Person, kit: Kit, change: Any) -> None:
        root = await administrator(eve, kit)
        assert (await root.call("PATCH", f"/api/v1/users/{ada.id}", change)).status == 422
        assert (await root.call("PATCH", f"/api/v1/users/{new_id()}", {"role": "viewer"})).status == 404
        assert (await root.call("GET", f"/api/v1/users/{new_id()}")).status == 404
        assert (await root.call("GET", "/api/v1/users?role=owner")).status == 422

    async def test_others_may_not_look(self, ada: Person) -> None:
        for method, path in (("GET", "/api/v1/users"), ("GET", f"/api/v1/users/{ada.id}")):
            assert (await ada.call(method, path)).status == 403
        assert (await ada.call("PATCH", f"/api/v1/users/{ada.id}", {"role": "admin"})).status == 403

    async def test_an_operator_makes_the_first_administrator(self, ada: Person, kit: Kit) -> None:
        assert await promote(kit.settings, f" {ada.email.upper()} ") == ada.username
        assert await promote(kit.settings, "nobody@example.org") is None
        assert await promote(kit.settings, ada.email) == ada.username
        assert (await events_of(kit, ada.id)).count("UserRoleChanged") == 1
        assert role_in((await ada.refresh(ada.tokens["refresh_token"])).json) == "admin"


class TestOperator:
    def run(self, kit: Kit, monkeypatch: pytest.MonkeyPatch, *arguments: str, dsn: str | None = None) -> int:
        """The exit status of the command."""
        monkeypatch.setenv("PRESSWORK_AUTH_DATABASE_URL", kit.settings.database_url if dsn is None else dsn)
        monkeypatch.setenv("PRESSWORK_FIELD_KEYS", kit.settings.field_keys)
        monkeypatch.setattr(sys, "argv", ["administrators", *arguments])
        return administrators.main()

    async def test_the_command_says_what_it_did_or_what_to_do(
        self, ada: Person, kit: Kit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for address, dsn, status, said in (
            (ada.email, None, 0, f"{ada.username} is an administrator"),
            ("nobody@example.org", None, 1, "sign up first"),
            (ada.email, "", 2, "make admin EMAIL="),
            (ada.email, "postgresql://presswork_auth@127.0.0.1:1/x", 1, "Nothing was changed"),
        ):
            assert await asyncio.to_thread(self.run, kit, monkeypatch, address, dsn=dsn) == status
            output = capsys.readouterr()
            assert said in output.out + output.err
        assert role_in((await ada.log_in()).json) == "admin"


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


class TestKeys:
    async def test_all_keys_are_published_and_only_their_public_half(self, stranger: Person) -> None:
        answer = await stranger.call("GET", "/.well-known/jwks.json")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert len(answer.json["keys"]) == 2
        assert all(set(key) == {"crv", "kty", "x", "kid", "use", "alg"} for key in answer.json["keys"])


class TestPrivacy:
    async def test_address_device_and_hashes_never_leave_the_store(self, ada: Person, kit: Kit, platform: Desk) -> None:
        await ada.refresh(ada.tokens["refresh_token"])
        headers = {"X-Presswork-Internal-Token": kit.settings.internal_token}
        async with platform.http.get(ada.base + "/internal/feed", headers=headers) as answer:
            lines = [line for line in (await answer.text()).splitlines() if ada.id in line]
        assert len(lines) == 4
        row = await kit.database.pool.fetchrow("SELECT * FROM users WHERE id = $1", ada.id)
        for secret in (
            ada.email,
            "example.org",
            row["hashed_password"],
            "203.0.113.7",
            "Firefox",
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
