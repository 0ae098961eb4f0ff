"""Objects as files in a folder of this machine, or of a volume that is mounted on it."""

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from services.media.storage.port import NoSuchObject, StorageUnavailable, Stored, check_key

_PAGE = 1_000  # files listed at a time
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")


class LocalStorage:
    """A folder of objects. The content type is not kept: the service's own records name it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Writes a file beside its place, makes it durable, and renames it into its place."""
        await asyncio.to_thread(self._put, self._path(key), data)

    async def get(self, key: str) -> bytes:
        """The file's bytes. Raises NoSuchObject."""
        return await asyncio.to_thread(self._get, key, self._path(key))

    async def delete(self, key: str) -> None:
        """Removes the file; folders stay."""
        await asyncio.to_thread(self._delete, self._path(key))

    async def exists(self, key: str) -> bool:
        """Whether there is a file."""
        return await asyncio.to_thread(self._path(key).is_file)

    async def pages(self) -> AsyncIterator[Sequence[Stored]]:
        """The files below the folder; those whose names begin with a dot are no objects."""
        files = self._files()
        while page := await asyncio.to_thread(lambda: list(islice(files, _PAGE))):
            yield [
                Stored(str(PurePosixPath(path.relative_to(self._folder))), modified)
                for path, modified in page
                if not path.name.startswith(".")
            ]

    async def leftovers(self, before: datetime) -> list[datetime]:
        """Of when temporary files are that nobody renamed."""
        found = await asyncio.to_thread(self._leftovers, before)
        return [modified for _, modified in found]

    async def clear_leftovers(self, before: datetime, most: int) -> int:
        """Removes temporary files that nobody renamed."""

        def clear() -> int:
            found = self._leftovers(before)[:most]
            for path, _ in found:
                path.unlink(missing_ok=True)
            return len(found)

        return await asyncio.to_thread(clear)

    def _leftovers(self, before: datetime) -> list[tuple[Path, datetime]]:
        return [(path, at) for path, at in self._files() if _TEMPORARY.fullmatch(path.name) and at < before]

    def _files(self) -> Iterator[tuple[Path, datetime]]:
        """Every file below the folder. Raises StorageUnavailable when a folder cannot be read."""
        for folder, _, names in os.walk(self._folder, onerror=_cannot_list):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(FileNotFoundError):  # it went meanwhile
                    yield path, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*check_key(key).split("/"))

    def _put(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            self._make_folder(path.parent)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            _sync_folder(path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _unavailable("written", error) from error

    def _make_folder(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            # A new folder is durable only when the one it stands in is.
            _sync_folder(each.parent)

    def _get(self, key: str, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NoSuchObject(key) from error
        except OSError as error:
            raise _unavailable("read", error) from error

    def _delete(self, path: Path) -> None:
        try:
            path.unlink()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return
        except OSError as error:
            raise _unavailable("deleted", error) from error
        _sync_folder(path.parent)


def _cannot_list(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _unavailable("listed", error) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(done: str, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(
        f"The object could not be {done}: {error.strerror}. Check the media folder's space and rights."
    )
