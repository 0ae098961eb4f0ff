"""A real personal data server of the AT Protocol, as Bluesky runs it, with a directory of identities of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.servers import npm

_HERE = Path(__file__).parent
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Account:
    """An account on the server and what opens it."""

    handle: str
    did: str
    app_password: str


class BlueskyServer:
    """`start` it, `stop` it; what it holds is gone with its folder."""

    def __init__(self, folder: Path, app_view: tuple[str, str] | None = None) -> None:
        """`app_view` is address and DID of who counts likes and answers; without one nobody does."""
        self._folder = folder
        self._app_view = app_view or ()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @staticmethod
    def available() -> str | None:
        """Why it cannot be had here, None when it can."""
        return npm.missing()

    @staticmethod
    def install() -> Path:
        """The folder where it is installed; from npm the first time. Raises RuntimeError with what npm said."""
        with npm.installing("bluesky", _HERE / "package-lock.json") as (folder, empty):
            if empty:
                for name in ("package.json", "package-lock.json"):
                    shutil.copy(_HERE / name, folder)
                npm.clean_install(folder, ["better-sqlite3"])
        return folder

    def start(self) -> None:
        """Up and answering. Raises RuntimeError with what it said when it is not in a minute."""
        installed = self.install()
        ports = [str(port) for port in _free_ports(2)]
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / "server.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["node", str(_HERE / "server.mjs"), str(self._folder), *ports, *self._app_view],
                cwd=installed,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env=npm.environment(LOG_ENABLED="false"),
            )
        ends = time.monotonic() + _SECONDS
        while b"ready" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError(f"The Bluesky server did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{ports[0]}"

    def stop(self) -> None:
        """Gone when this returns."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def account(self, name: str) -> Account:
        """A new account with an app password."""
        handle = f"{name}.test"
        body = {"handle": handle, "email": f"{name}@mail.example", "password": "the-main-password"}
        made = await self._post("com.atproto.server.createAccount", body)
        opened = {"Authorization": f"Bearer {made['accessJwt']}"}
        app = await self._post("com.atproto.server.createAppPassword", {"name": "presswork"}, opened)
        return Account(handle, str(made["did"]), str(app["password"]))

    async def records(self, account: Account) -> list[dict[str, Any]]:
        """The account's posts as {uri, cid, value}, oldest first."""
        params = {"repo": account.did, "collection": "app.bsky.feed.post", "reverse": "true", "limit": "100"}
        async with aiohttp.request("GET", f"{self.url}/xrpc/com.atproto.repo.listRecords", params=params) as answer:
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["records"])

    async def blob(self, account: Account, cid: str) -> bytes:
        """The bytes of an image as readers get them."""
        params = {"did": account.did, "cid": cid}
        async with aiohttp.request("GET", f"{self.url}/xrpc/com.atproto.sync.getBlob", params=params) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def _post(self, method: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        async with aiohttp.request("POST", f"{self.url}/xrpc/{method}", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
