"""Accounts across all services, through the gateway: the archive of one, and a trial that becomes one or goes."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from services.auth.app import service as auth
from services.auth.domain.trial import StartTrial
from services.evaluation.app import service as evaluation
from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from services.generation.app import service as generation
from services.media.app import service as media
from services.publishing.app import service as publishing
from services.workflow.app import service as workflow
from shared.archive import PAGE
from shared.ids import new_id
from shared.rebuild.catalog import KIT_TABLES
from shared.security.tokens import Signer, generate_private_pem
from tests.integration.desk import ARTICLE, Desk, desk
from tests.integration.test_migrations import insert
from tests.unit.serving import serve
from tests.waiting import eventually

ALL = (auth, workflow, generation, evaluation, publishing, media)
TRIAL_BYTES = 100_000
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
# Columns that sound like secrets and are none.
HARMLESS = {
    "username_key", "email_key", "content_hash", "token_expires_at", "token_turn", "token_at", "tokens_used",
    "input_tokens", "output_tokens", "total_tokens", "verification_token_expires", "hashtags",
}  # fmt: skip


@dataclass
class House:
    """All services and their gateway."""

    desk: Desk
    http: aiohttp.ClientSession

    async def call(self, token: str, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        given = options if body is None else {"json": body, **options}
        async with self.http.request(method, "/api/v1" + path, headers=headers, **given) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else None

    async def upload(self, token: str, data: bytes, name: str, **fields: str) -> tuple[int, Any]:
        form = aiohttp.FormData(fields)
        form.add_field("file", data, filename=name)
        return await self.call(token, "POST", "/files", data=form)

    async def archive(self, token: str) -> zipfile.ZipFile:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.get("/api/v1/export/account.zip", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return zipfile.ZipFile(io.BytesIO(await answer.read()))

    async def rows(self, service: str, table: str, user_id: UUID | str) -> int:
        """How many rows of a table are this user's."""
        owner = "id" if table == "users" else "user_id"
        count = f"SELECT count(*) FROM {table} WHERE {owner} = $1"
        return int(await self.desk.kits[service].database.pool.fetchval(count, UUID(str(user_id))))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "signing_keys.pem"
    file.write_bytes(generate_private_pem())
    return file


@pytest.fixture(scope="module")
async def house(keys: Path) -> AsyncIterator[House]:
    options = {"signing_key_file": keys, "engine": "instant", "connector": "instant", "trial_bytes": TRIAL_BYTES}
    async with desk(*ALL, **options) as running:
        running.signer = Signer(
            await asyncio.to_thread(keys.read_bytes)
        )  # so that whoever sits at the desk is known to auth, too
        urls = {f"{name}_url": url for name, url in running.urls.items()}
        generous = {"limit_anonymous": "1000/hour", "limit_trial": "1000/hour", "limit_signup": "1000/hour"}
        gateway = build(GatewaySettings(internal_token="inside", limit_trial_outputs="1000/hour", **generous, **urls))
        async with serve(gateway) as url, aiohttp.ClientSession(url) as http:
            yield House(running, http)


async def fill(house: House, *users: UUID) -> dict[str, set[str]]:
    """A row of each user's in every table that is not the kit's; the tables by service."""
    found: dict[str, set[str]] = {}
    connection = await asyncpg.connect(house.desk.admin_dsn)
    try:
        for service in house.desk.dsns:
            names = {row["relname"] for row in await connection.fetch(TABLES, service)} - KIT_TABLES
            # Rows alone, without those they refer to.
            await connection.execute(f"SET session_replication_role = replica; SET search_path TO {service}")
            for name in names:
                for user in users:
                    await insert(connection, name, user)
            found[service] = names
    finally:
        await connection.close()
    return found


class TestArchive:
    async def test_every_table_of_every_service_is_in_it_and_nobody_elses_rows(self, house: House) -> None:
        ada, bob = house.desk.someone(), house.desk.someone()
        tables = await fill(house, ada.user_id, bob.user_id)
        connection = await asyncpg.connect(house.desk.admin_dsn)
        await connection.execute("SET search_path TO generation")
        for _ in range(PAGE + 3):
            await insert(connection, "templates", ada.user_id)
        await connection.close()
        with await house.archive(ada.token) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            assert {service: set(rows) for service, rows in manifest["rows"].items()} == tables
            shown: set[str] = set()
            for service, names in tables.items():
                for name in names:
                    lines = archive.read(f"{service}/{name}.jsonl").decode().splitlines()
                    rows = [json.loads(line) for line in lines]
                    wanted = PAGE + 4 if name == "templates" else 1
                    assert (name, len(rows), manifest["rows"][service][name]) == (name, wanted, wanted)
                    assert {row.get("user_id", row.get("id")) for row in rows} == {str(ada.user_id)}
                    assert not any(str(bob.user_id) in line for line in lines)
                    shown.update(*rows)
        suspicious = re.compile("token|secret|password|hash|key|credential|fingerprint|sealed|private")
        assert {name for name in shown if suspicious.search(name)} <= HARMLESS, "say in `secrets` what may not leave"

    async def test_files_are_in_it_as_they_were_sent(self, house: House) -> None:
        ada = house.desk.someone()
        status, file = await house.upload(ada.token, b"# Bread\n\nIt rises.", "bread.md")
        assert status == 201, file
        with await house.archive(ada.token) as archive:
            name = f"media/contents/files/{file['id']}-bread.md"
            assert archive.read(name) == b"# Bread\n\nIt rises."
            manifest = json.loads(archive.read("manifest.json"))
        assert manifest["contents"] == [{"name": name, "bytes": 18, "sha256": file["sha256"]}]

    async def test_what_services_offer_each_other_is_not_offered_to_users(self, house: House) -> None:
        ada = house.desk.someone()
        for path in (f"/internal/archive/{ada.user_id}", f"/internal/contents/{ada.user_id}"):
            assert (await ada.get("media", path)).status == 403
        async with house.http.get(f"/internal/archive/{ada.user_id}/users") as answer:
            assert answer.status == 404


class TestTrial:
    async def test_what_a_trial_made_is_the_accounts_when_it_signs_up(self, house: House) -> None:
        status, trial = await house.call("", "POST", "/trial")
        assert status == 201, trial
        token = trial["access_token"]
        _, project = await house.call(token, "POST", "/projects", {"title": "Bread"})
        status, file = await house.upload(token, ARTICLE.encode(), "bread.md", project_id=project["id"])
        assert status == 201, file
        asked = {"file_ids": [file["id"]], "topic": "bread"}
        status, output = await house.call(token, "POST", f"/projects/{project['id']}/generate/blog", asked)
        assert status == 202, output

        async def written() -> Any:
            _, found = await house.call(token, "GET", f"/outputs/{output['id']}")
            return found if found["status"] == "completed" else None

        body = (await eventually(written))["body"]
        for method, path in (("POST", "/workflows"), ("GET", "/connections"), ("POST", "/webhooks")):
            status, refused = await house.call(token, method, path, {} if method == "POST" else None)
            assert (status, "sign up" in refused["detail"]) == (403, True)

        name = f"t{new_id().hex[-12:]}"
        account = {"username": name, "email": f"{name}@example.org", "password": "Loaf-of-bread-7"}
        status, signed_up = await house.call(token, "POST", "/auth/signup", account)
        assert (status, signed_up["id"]) == (201, trial["user_id"]), signed_up
        _, entered = await house.call("", "POST", "/auth/login", {k: account[k] for k in ("email", "password")})
        token = entered["access_token"]
        assert (await house.call(token, "GET", f"/outputs/{output['id']}"))[1]["body"] == body
        assert (await house.call(token, "GET", f"/projects/{project['id']}"))[1]["files"][0]["id"] == file["id"]
        assert (await house.call(token, "GET", "/connections"))[0] == 200

    async def test_its_files_have_a_limit_together(self, house: House) -> None:
        _, trial = await house.call("", "POST", "/trial")
        token = trial["access_token"]
        status, file = await house.upload(token, b"bread " * 10_000, "a.txt")
        assert status == 201
        status, refused = await house.upload(token, b"dough " * 10_000, "b.txt")
        assert (status, refused["type"], refused["left"]) == (413, "urn:presswork:problem:trial-full", 40_000)
        assert "sign up" in refused["detail"]
        assert (await house.call(token, "DELETE", f"/files/{file['id']}"))[0] == 204
        assert (await house.upload(token, b"dough " * 10_000, "b.txt"))[0] == 201
        ada = house.desk.someone()
        assert (await house.upload(ada.token, b"bread " * 20_000, "a.txt"))[0] == 201, "accounts have more room"

    async def test_what_nobody_claims_goes_from_every_service(self, house: House) -> None:
        user = house.desk.someone("trial")
        _, project = await house.call(user.token, "POST", "/projects", {"title": "Bread"})
        assert (await house.upload(user.token, b"bread", "a.txt", project_id=project["id"]))[0] == 201
        until = datetime.now(UTC) + timedelta(seconds=1)
        command = StartTrial(user.user_id, f"trial-{user.user_id.hex}", until)
        await house.desk.kits["auth"].handle(command, actor=user.user_id)
        made = [("auth", "users"), ("auth", "profiles"), ("workflow", "projects"), ("media", "files")]

        async def gone() -> bool:
            return [await house.rows(*each, user.user_id) for each in made] == [0, 0, 0, 0]

        await eventually(gone, within=30)
