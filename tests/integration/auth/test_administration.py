"""Administrators: what they see and change, and how the first of them is made."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from services.auth import administrators
from services.auth.administrators import promote
from shared.ids import new_id
from shared.kit import Kit
from tests.integration.auth.people import (
    Person,
    administrator,
    events_of,
    role_in,
)


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
