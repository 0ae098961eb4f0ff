"""`python -m deploy.report`: how the database of PRESSWORK_POSTGRES_URL fares, as readable tables.

Growth is measured from the oldest backup in PRESSWORK_BACKUP_DIR.
"""

from __future__ import annotations

import asyncio
import sys

import asyncpg
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from deploy.backup import folders
from deploy.backup.manifest import MANIFEST, Manifest
from deploy.backup.place import BackupSettings
from deploy.report.reading import read
from deploy.report.showing import show


def _earlier(settings: BackupSettings) -> Manifest | None:
    for _, path in folders.all_in(settings.backup_dir):
        try:
            return Manifest.model_validate_json((path / MANIFEST).read_text("utf-8"))
        except (OSError, ValidationError):
            continue  # a damaged one is no measure; `make verify-backup` says so
    return None


def main() -> int:
    """The command line."""
    settings = BackupSettings()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    problems = Console(stderr=True, highlight=False, soft_wrap=True)
    if not settings.postgres_url:
        problems.print("Say which database: PRESSWORK_POSTGRES_URL; `make db-report` does.")
        return 2
    try:
        show(console, asyncio.run(read(settings.postgres_url, earlier=_earlier(settings))))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problems.print(f"[bold red]The database could not be read:[/] {escape(str(error) or type(error).__name__)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
