"""A real Ghost on SQLite, set up with one owner and one integration that holds the admin key."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.servers import npm

VERSION = "5.130.6"
_PACKED = "CAWqPKt+7ws+/1NrVmvuiWiDZDEtutiu7niVMTku9uM29MjfNFFUVKM3giQBpZGZrUORXkWiXSlqbry4QGVrBw=="  # SHA-512
_HERE = Path(__file__).parent
_SECONDS = 120
_OWNER = {"name": "Ada", "email": "ada@mail.example", "password": "heron-lantern-47-quartz"}


class GhostServer:
    """`start` it, `open` it once for its `admin_key`, `stop` it; what it holds is gone with its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.admin_key = ""

    @staticmethod
    def available() -> str | None:
        """Why it cannot be had here, None when it can."""
        return npm.missing("make", "c++")

    @staticmethod
    def install() -> Path:
        """The folder where it is installed; from npm the first time. Raises RuntimeError with what npm said."""
        with npm.installing("ghost", _HERE / "package-lock.json") as (folder, empty):
            if empty:
                _install(folder)
        return folder

    def start(self) -> None:
        """Up and answering. Raises RuntimeError with what it said when it is not in two minutes."""
        folder = self.install()
        content = self._folder / "content"
        shutil.copytree(folder / "package" / "content", content)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            "url": self.url,
            "server__port": str(port),
            "database__client": "sqlite3",
            "database__connection__filename": str(self._folder / "ghost.db"),
            "database__useNullAsDefault": "true",
            "paths__contentPath": str(content),
            "mail__transport": "stub",
            "privacy__useUpdateCheck": "false",
            "privacy__useTinfoil": "true",
            "security__staffDeviceVerification": "false",
            "logging__transports": '["stdout"]',
        }
        log = self._folder / "server.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["node", "index.js"],
                cwd=folder / "package",
                stdout=out,
                stderr=out,
                env=npm.environment(NODE_ENV="production", **settings),
            )
        ends = time.monotonic() + _SECONDS
        while b"Ghost booted" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError(f"Ghost did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Gone when this returns."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def open(self) -> None:
        """Make the owner and the integration; `admin_key` is known afterwards."""
        async with aiohttp.ClientSession(headers={"Origin": self.url}, cookie_jar=_jar()) as session:
            owner = {**_OWNER, "blogTitle": "The bakery"}
            await self._post(session, "authentication/setup/", {"setup": [owner]})
            await self._post(session, "session/", {"username": _OWNER["email"], "password": _OWNER["password"]})
            wanted = {"integrations": [{"name": "Presswork"}]}
            made = await self._post(session, "integrations/?include=api_keys", wanted)
        keys = made["integrations"][0]["api_keys"]
        self.admin_key = str(next(key["secret"] for key in keys if key["type"] == "admin"))

    async def _post(self, session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
        async with session.post(f"{self.url}/ghost/api/admin/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status in (200, 201), text
            return json.loads(text) if text.startswith("{") else None


def _jar() -> aiohttp.CookieJar:
    return aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name


def _install(folder: Path) -> None:
    """Ghost is an application, not a library: its package is unpacked, and what it needs is installed inside."""
    npm.run("npm", "pack", f"ghost@{VERSION}", "--silent", cwd=folder)
    packed = folder / f"ghost-{VERSION}.tgz"
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != _PACKED:
        raise RuntimeError("The package of Ghost is not the one these tests were written with.")
    npm.run("tar", "xzf", packed.name, cwd=folder)
    packed.unlink()
    package = folder / "package"
    (package / "yarn.lock").unlink()
    described = json.loads((package / "package.json").read_text())
    del described["devDependencies"]
    resolutions = described.get("resolutions", {})
    described["overrides"] = {n: v for n, v in resolutions.items() if n not in described["dependencies"]}
    (package / "package.json").write_text(json.dumps(described))
    shutil.copy(_HERE / "package-lock.json", package)
    npm.clean_install(package, ["sqlite3"], "--legacy-peer-deps")
