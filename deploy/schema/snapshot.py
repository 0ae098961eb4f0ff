"""What the migrations make, read from a database made for the purpose; only when they changed since the last time."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from deploy.embedded import blocking
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.schema import committed, live
from deploy.schema.model import Schemas


@cache
def current() -> Schemas:
    """The committed snapshot, or a new one when the migrations are not those it was made from. Raises PostgresFailed,
    Alembic's and asyncpg's errors."""
    fingerprint = committed.fingerprint_of_migrations()
    if committed.SNAPSHOT.exists() and (found := committed.load(committed.SNAPSHOT)).fingerprint == fingerprint:
        return found
    return take(fingerprint)


def take(fingerprint: str) -> Schemas:
    """Run the migrations on a server of their own and read what they made; takes seconds."""
    from deploy.migrate import migrate  # Alembic takes a moment to import: only where it is needed

    with tempfile.TemporaryDirectory(prefix="presswork-schema-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings={"shared_buffers": "32MB", "fsync": "off"})
        try:
            server.start()
            blocking.run(migrate(server.admin_dsn, {}))
            return Schemas(fingerprint=fingerprint, schemas=blocking.run(live.read_all(server.admin_dsn)))
        finally:
            server.destroy()
