"""Trials: whoever tries the platform without an address, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.auth.domain.trial import StartTrial
from services.auth.sessions import Device, start
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.auth.people import (
    Person,
    administrator,
    events_of,
    role_in,
    token_for,
)
from tests.waiting import eventually


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
        await trial.call("PATCH", "/me", {"name": "Ada", "tone_of_voice": "warm"})
        first = await trial.sign_up(key="claim-" + stranger.username)
        again = await trial.sign_up(key="claim-" + stranger.username)
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

    async def test_its_user_may_end_it_at_once_but_not_the_account_it_became(self, stranger: Person, kit: Kit) -> None:
        trial, other = await self.begun(stranger), await self.begun(stranger)
        assert (await trial.call("DELETE", "/me", {})).status == 204
        assert "UserErased" in await events_of(kit, trial.id)
        assert (await other.sign_up()).status == 201
        refused = await other.call("DELETE", "/me", {})
        assert (refused.status, "password" in refused.json["detail"]) == (422, True)
        assert "UserErased" not in await events_of(kit, other.id)

    async def test_no_role_and_no_mail_for_a_trial(self, stranger: Person, eve: Person, kit: Kit) -> None:
        trial = await self.begun(stranger)
        asked = await trial.call("POST", "/verification")
        assert (asked.status, asked.json["current"]) == (409, "trial")
        root = await administrator(eve, kit)
        changed = await root.call("PATCH", f"/api/v1/users/{trial.id}", {"role": "admin"})
        assert (changed.status, changed.json["current"]) == (409, "trial")
        assert (await trial.call("GET", "/api/v1/users")).status == 403
        assert (await root.call("GET", f"/api/v1/users/{trial.id}")).json["email"] is None
