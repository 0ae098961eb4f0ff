"""The storage port: objects of bytes under keys, such as `users/0189…/files/0189….pdf`."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

MAX_KEY_BYTES = 512
_SEGMENT = re.compile(r"[A-Za-z0-9._\-]{1,200}")


class BadKey(ValueError):
    """The key may not be used: a fault of the program, never of a user, since keys are made from ids."""


class NoSuchObject(KeyError):
    """Nothing is stored under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"Nothing is stored under {self.key!r}."


class StorageUnavailable(Exception):
    """The store did not do what was asked, and nothing is known about the object. HTTP 503."""


class Stored(NamedTuple):
    """An object that is there, and when it was put."""

    key: str
    modified: datetime


class Storage(Protocol):
    """Keeps objects. What `put` has returned from survives a crash; `put` replaces the whole object or leaves it alone.

    Every method raises BadKey and StorageUnavailable.
    """

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Stores `data`, replacing what was there; `content_type` is kept where the store has a place for it."""

    async def get(self, key: str) -> bytes:
        """The bytes under the key. Raises NoSuchObject."""
        ...

    async def delete(self, key: str) -> None:
        """Removes the object; it is no error when there is none."""

    async def exists(self, key: str) -> bool:
        """Whether something is stored under the key."""
        ...

    def pages(self) -> AsyncIterator[Sequence[Stored]]:
        """All objects, some at a time, in any order; what comes or goes meanwhile may be among them or not."""
        ...

    async def leftovers(self, before: datetime) -> list[datetime]:
        """Of when the pieces are that a `put` which never ended left behind, as far as they are older."""
        ...

    async def clear_leftovers(self, before: datetime, most: int) -> int:
        """Remove such pieces, at most so many; how many that were."""
        ...


def check_key(key: str) -> str:
    """The key, if it is segments of `A-Z a-z 0-9 . _ -` parted by `/`, none beginning with a dot. Raises BadKey."""
    segments = key.split("/")
    if len(key.encode()) > MAX_KEY_BYTES or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise BadKey(
            f"{key[:100]!r} is no storage key: use segments of letters, digits, '.', '_' and '-', parted by '/'."
        )
    # A name that begins with a dot is a parent, a temporary file or hidden.
    if any(segment.startswith(".") for segment in segments):
        raise BadKey(f"{key[:100]!r} is no storage key: no segment may begin with a dot.")
    return key
