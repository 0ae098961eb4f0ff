"""Objects as files in a folder of this machine, or of a volume that is mounted on it."""

import asyncio
import contextlib
import os
import secrets
from pathlib import Path

from services.media.storage.port import NoSuchObject, StorageUnavailable, check_key


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
