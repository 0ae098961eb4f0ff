"""Folders of stored files as tar archives."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote, urlsplit

from deploy.backup.failure import BackupFailed


class Hashed:
    """A file that is written and summed up at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        return self._file.write(data)

    @property
    def sum(self) -> str:
        return self._digest.hexdigest()


def homes(data_dir: Path, storage_url: str) -> dict[str, Path]:
    """The folders that hold what is not in the database, by name; media in a bucket has none."""
    parts = urlsplit(storage_url or (data_dir.absolute() / "media").as_uri())
    media = {"media": Path(unquote(parts.path))} if parts.scheme == "file" else {}
    return media | {"blog": data_dir.absolute() / "blog"}


def pack(folder: Path, archive: Path) -> str:
    """Write a folder's files; the archive's SHA-256. A file that goes away meanwhile is left out."""
    with archive.open("wb") as file:
        out = Hashed(file)
        with tarfile.open(fileobj=cast("IO[bytes]", out), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).as_posix()
                try:
                    if path.is_dir():
                        tar.add(path, name, recursive=False)
                    elif path.is_file():
                        tar.add(path, name)
                except FileNotFoundError:
                    continue
    return out.sum


def unpack(archive: Path, folder: Path) -> Path:
    """Put the files beside `folder`, not in their place yet; where they are. Raises BackupFailed."""
    beside = folder.with_name(f"{folder.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        with tarfile.open(archive, mode="r|") as tar:
            tar.extractall(beside, filter="data")
    except (tarfile.TarError, OSError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise BackupFailed(f"{archive.name} could not be unpacked ({error}); nothing was changed.") from error
    return beside


def put_in_place(beside: Path, folder: Path, aside: str) -> Path | None:
    """Let unpacked files take the folder's place; where the former ones were put, if there were any."""
    former = None
    if folder.is_dir() and any(folder.iterdir()):
        former = folder.with_name(f"{folder.name}.{aside}")
        folder.rename(former)
    elif folder.is_dir():
        folder.rmdir()
    beside.rename(folder)
    return former
