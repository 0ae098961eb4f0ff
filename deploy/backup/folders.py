"""Where backups lie: a folder each, named by its moment, complete or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.backup.failure import BackupFailed
from deploy.backup.manifest import MANIFEST, SUMS

_NAME = "presswork-%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"


def name_of(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_NAME)


def all_in(folder: Path) -> list[tuple[datetime, Path]]:
    """The complete backups in a folder, oldest first."""
    found = []
    for path in folder.glob("presswork-*"):
        try:
            moment = datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
        if (path / SUMS).exists() and (path / MANIFEST).exists():
            found.append((moment, path))
    return sorted(found)


def newest_in(folder: Path) -> Path:
    """Raises BackupFailed when there is none."""
    found = all_in(folder)
    if not found:
        raise BackupFailed(f"There is no backup in {folder}; `make backup` makes one.")
    return found[-1][1]


@contextmanager
def new_in(folder: Path, moment: datetime) -> Iterator[Path]:
    """A folder to fill, which gets its name when it is complete and goes away when it is not."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(f"presswork-*{_PARTIAL}"):  # by one that was killed
        shutil.rmtree(left, ignore_errors=True)
    place = folder / name_of(moment)
    if place.exists():
        raise BackupFailed(f"{place} is there already; wait a second.")
    partial = place.with_name(place.name + _PARTIAL)
    partial.mkdir(mode=0o700)
    try:
        yield partial
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def forget_old(folder: Path, days: int, now: datetime) -> list[Path]:
    """Remove backups older than so many days, never the newest one; what was removed."""
    old = [path for moment, path in all_in(folder)[:-1] if now - moment > timedelta(days=days)]
    for path in old:
        (path / SUMS).unlink()  # from here on it is no backup, also if the rest fails
        shutil.rmtree(path, ignore_errors=True)
    return old
