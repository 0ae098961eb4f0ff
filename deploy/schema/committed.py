"""The committed expectation (made from the documents) and snapshot (of what the migrations make)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from deploy.schema.model import Schemas

EXPECTATION = Path(__file__).with_name("expectation.json")
SNAPSHOT = Path(__file__).with_name("snapshot.json")
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def load(path: Path) -> Schemas:
    """A committed file. Raises FileNotFoundError, and pydantic's ValidationError when it was written by hand."""
    return Schemas.model_validate_json(path.read_text("utf-8"))


def fingerprint_of_migrations(folder: Path = MIGRATIONS) -> str:
    """Of all that makes the schemas."""
    digest = hashlib.sha256()
    for path in sorted(found for found in folder.rglob("*") if found.suffix in (".py", ".sql")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
