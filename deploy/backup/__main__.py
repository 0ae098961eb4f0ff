"""`python -m deploy.backup make|restore|verify|list`: backups of the platform's database and files.

Works on PRESSWORK_POSTGRES_URL, else on the platform below PRESSWORK_DATA_DIR, running or not. Backups lie in
PRESSWORK_BACKUP_DIR and are kept for PRESSWORK_BACKUP_DAYS.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from pydantic import ValidationError
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from deploy.backup import folders, manifest
from deploy.backup.failure import BackupFailed
from deploy.backup.making import make
from deploy.backup.place import BackupSettings, found
from deploy.backup.restoring import restore
from deploy.backup.verifying import verify
from deploy.embedded.postgres import PostgresFailed
from deploy.embedded.state import AlreadyRunning

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def _say(line: str) -> None:
    console.print(f"[dim]{escape(line)}[/]")


def make_one(settings: BackupSettings) -> int:
    """`make`: back up, then forget what is old."""
    version = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]["version"]
    folder = settings.backup_dir.absolute()
    began = time.monotonic()
    with found(settings) as place:
        there = {name: path for name, path in place.homes.items() if path.is_dir()}
        made = asyncio.run(
            make(place.dsn, folder, version=version, stored=there, field_keys=place.field_keys, say=_say)
        )
    size = decimal(sum(path.stat().st_size for path in made.iterdir()))
    console.print(f"[bold green]{escape(str(made))}[/]: {size} in {time.monotonic() - began:.1f} s")
    for path in folders.forget_old(folder, settings.backup_days, datetime.now(UTC)):
        _say(f"{path.name} is older than {settings.backup_days} days and was removed")
    return 0


def restore_one(settings: BackupSettings, backup: Path, *, replace: bool) -> int:
    """`restore`: from a backup's folder, or any file in it."""
    with found(settings, alone=True) as place:
        said = asyncio.run(
            restore(place.dsn, _folder(backup), into=place.homes, passwords=place.passwords, replace=replace, say=_say)
        )
    console.print(f"[bold green]Restored[/] what was there on {said.made_at:%Y-%m-%d at %H:%M:%S} UTC.")
    if said.field_keys and not set(said.field_keys) & set(map(manifest.fingerprint, place.field_keys)):
        problems.print(
            "[bold yellow]The keys here are not those of the backup's private fields:[/] set PRESSWORK_FIELD_KEYS as "
            "it was (embedded: field_keys in keys.json), or addresses and credentials in it cannot be read."
        )
    return 0


def verify_one(settings: BackupSettings, backup: Path | None) -> int:
    """`verify`: the given one, or the newest."""
    which = _folder(backup) if backup else folders.newest_in(settings.backup_dir.absolute())
    keys = tuple(key for key in settings.field_keys.split(",") if key) or _own_keys(settings)
    began = time.monotonic()
    done = asyncio.run(verify(which, server=settings.postgres_url, field_keys=keys, say=_say))
    for problem in done.problems:
        problems.print(f"[bold red]wrong:[/] {escape(problem)}")
    if done.problems:
        return 1
    console.print(
        f"[bold green]{which.name} is good[/]: {done.rows:,} rows and {done.files:,} files restored, schemas as "
        f"documented, {', '.join(done.tables)} rebuilt equal from {done.events:,} events; "
        f"{time.monotonic() - began:.1f} s"
    )
    return 0


def list_all(settings: BackupSettings) -> int:
    """`list`: what there is."""
    table = Table("backup", "made", "size")
    for moment, path in folders.all_in(settings.backup_dir.absolute()):
        size = sum(file.stat().st_size for file in path.iterdir())
        table.add_row(path.name, f"{moment:%Y-%m-%d %H:%M:%S} UTC", decimal(size))
    console.print(table)
    return 0


def _folder(backup: Path) -> Path:
    return backup.absolute().parent if backup.is_file() else backup.absolute()


def _own_keys(settings: BackupSettings) -> Sequence[str]:
    from deploy.embedded.keys import Keys

    file = settings.data_dir / "keys.json"
    return Keys.model_validate_json(file.read_text()).field_keys if file.exists() else ()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make", help="back up")
    restoring = commands.add_parser("restore", help="put a backup in the database's place")
    restoring.add_argument("backup", type=Path)
    restoring.add_argument("--replace", action="store_true", help="give up the events that are there")
    verifying = commands.add_parser("verify", help="restore elsewhere and look at it")
    verifying.add_argument("backup", type=Path, nargs="?", help="default: the newest")
    commands.add_parser("list", help="what backups there are")
    chosen = parser.parse_args(arguments)
    try:
        settings = BackupSettings()
        match chosen.command:
            case "make":
                return make_one(settings)
            case "restore":
                return restore_one(settings, chosen.backup, replace=chosen.replace)
            case "verify":
                return verify_one(settings, chosen.backup)
            case _:
                return list_all(settings)
    except ValidationError as error:
        problems.print(f"[bold red]setting:[/] {escape(str(error))}")
    except (BackupFailed, PostgresFailed, AlreadyRunning) as error:
        problems.print(f"[bold red]failed:[/] {escape(str(error))}")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problems.print(f"[bold red]failed:[/] {escape(str(error) or type(error).__name__)}")
    except KeyboardInterrupt:
        problems.print("[yellow]stopped[/]")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
