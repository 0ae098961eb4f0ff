"""Which stack runs on a data folder.

A lock the kernel releases when its holder dies, and what the holder tells about itself.
"""

import fcntl
import time
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from deploy.embedded.keys import write_private


class StackState(BaseModel):
    """What a running stack tells; kept readable by its owner only, for it holds connection strings."""

    pid: int
    stage: str
    ready: bool = False
    address: str = ""
    urls: dict[str, str] = {}
    dsns: dict[str, str] = {}
    admin_dsn: str = ""
    kafka_url: str = ""


class AlreadyRunning(RuntimeError):
    """Another stack holds the data folder."""

    def __init__(self, state: StackState | None) -> None:
        self.state = state
        where = f" (pid {state.pid}{', ' + state.address if state.address else ''})" if state else ""
        super().__init__(f"a stack is running already{where}: `make down` stops it")


class StackLock:
    """Held by the one supervisor of a data folder.

    A lock file left by a dead one does not count, since the lock itself died with it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "stack.lock"
        self._state = data_dir / "stack.json"
        self._held: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises AlreadyRunning if another process has it."""
        held = self._file.open("ab")
        patience = time.monotonic() + 0.3  # somebody may just be asking whether a stack runs
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > patience:
                    held.close()
                    raise AlreadyRunning(self._read()) from None
                time.sleep(0.02)
            else:
                self._held = held
                return

    def tell(self, state: StackState) -> None:
        """Publish what others may know; only the holder calls it."""
        write_private(self._state, state.model_dump_json(indent=2))

    def release(self) -> None:
        if self._held:
            self._state.unlink(missing_ok=True)
            self._held.close()
            self._held = None

    def running(self) -> StackState | None:
        """The state of the stack that holds this folder now, None if none does."""
        if not self._file.exists():
            return None
        with self._file.open("ab") as probe:
            try:
                fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return self._read() or StackState(pid=0, stage="starting")
        return None

    def _read(self) -> StackState | None:
        try:
            return StackState.model_validate_json(self._state.read_text())
        except (OSError, ValidationError):
            return None


def wait_for_exit(lock: StackLock, pid: int, timeout: float) -> bool:
    """True if the stack of `pid` let go of its lock within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        state = lock.running()
        if state is None or state.pid not in (0, pid):
            return True
        time.sleep(0.05)
    return False
