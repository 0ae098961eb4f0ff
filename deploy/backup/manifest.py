"""What a backup says about itself, and the checksums of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.backup.failure import BackupFailed

DUMP = "database.dump"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
_CHUNK = 1 << 20


class ServiceState(BaseModel):
    """One service's schema: its migration, and the rows of each table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str
    tables: dict[str, int]


class Manifest(BaseModel):
    """`made_at`: the moment whose state the dump holds. `server`: PostgreSQL's version as a number (180006).
    `folders`: of stored files, each in an archive of its name. `field_keys`: fingerprints of the keys that private
    fields are encrypted with; the keys themselves are not in a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    version: str
    server: int
    services: dict[str, ServiceState]
    folders: tuple[str, ...] = ()
    field_keys: tuple[str, ...] = ()

    def rows(self) -> int:
        return sum(count for state in self.services.values() for count in state.tables.values())


def fingerprint(key: str) -> str:
    """Twelve hex digits that tell keys apart and give nothing of them away."""
    return hashlib.sha256(b"presswork field key " + key.encode()).hexdigest()[:12]


def sum_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_sums(folder: Path, sums: Iterable[tuple[str, str]]) -> None:
    """As `sha256sum --check` reads them: (name, sum) each."""
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums), "ascii")


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there and as they were written. Raises BackupFailed."""
    try:
        lines = (folder / SUMS).read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BackupFailed(f"{folder} is no backup: it holds no {SUMS}.") from None
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if not {DUMP, MANIFEST} <= set(sums):
        raise BackupFailed(f"{folder} is damaged: its {SUMS} is not whole. Take another backup.")
    for name, expected in sums.items():
        path = folder / Path(name).name
        if not path.is_file():
            raise BackupFailed(f"{folder} is damaged: {name} is missing. Take another backup.")
        if sum_of(path) != expected:
            raise BackupFailed(f"{folder} is damaged: {name} is not what was written. Take another backup.")
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_text("utf-8"))
    except ValidationError:
        raise BackupFailed(f"{folder} was made by another version of Presswork; restore it with that one.") from None
