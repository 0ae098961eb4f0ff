"""The one way a backup's work ends badly."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BackupFailed(RuntimeError):
    """What went wrong, what was kept and what to do, as sentences for an operator."""


@contextmanager
def writing_to(folder: Path, kept: str) -> Iterator[None]:
    """Say of a disk that takes no more which one it is. `kept`: what the failure left unharmed."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise BackupFailed(f"The disk of {folder} takes no more ({error.strerror}). {kept}") from error
        raise BackupFailed(f"{error.filename or folder}: {error.strerror or error}. {kept}") from error
