"""A child process that never outlives its parent, logs to a file, and stops gently first."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

# The kernel sends the death signal when the *thread* that forked ends, so every child is born of one thread that
# lives as long as we do.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user a child runs as; None of it means: as we are."""

    uid: int
    gid: int


def _die_with_parent(parent: int, death_signal: int) -> Callable[[], None]:
    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

    return before_exec


class Child:
    """One child process.

    `stop_signal` asks it to end, `death_signal` reaches it when this process dies in any way. The child leads a
    session of its own, so that Ctrl-C in the terminal reaches us only, and we stop things in order.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        identity: Identity | None = None,
        stop_signal: int = signal.SIGTERM,
        death_signal: int = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.command = [os.fspath(part) for part in command]
        self.log = log
        self._env = dict(env) if env is not None else None
        self._cwd = cwd
        self._identity = identity
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while running or never started."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it. Raises RuntimeError if it runs already, OSError if it cannot be executed."""
        if self.running:
            raise RuntimeError(f"{self.name} is running already (pid {self.pid})")
        self._process = _spawner.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                user=self._identity.uid if self._identity else None,
                group=self._identity.gid if self._identity else None,
                extra_groups=[] if self._identity else None,
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid(), self._death_signal),
            )

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.running:
            self._send(self._stop_signal)

    def wait(self, timeout: float) -> bool:
        """True if it ended within `timeout` seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, timeout: float = 15.0) -> bool:
        """Stop it gently, by force after `timeout` seconds. True if it went gently."""
        self.ask_to_stop()
        gently = self.wait(timeout)
        if not gently:
            self.kill()
        return gently

    def kill(self) -> None:
        """SIGKILL it and reap it."""
        if self._process is not None:
            if self.running:
                self._send(signal.SIGKILL)
            self._process.wait()

    def _send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


class Server:
    """What one child process is for, once it was started."""

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def kill(self) -> None:
        """SIGKILL it, as a crash would."""
        if self._child:
            self._child.kill()


def resident_mb(pid: int | None) -> float:
    """Resident memory of a process in MiB; 0 if it is gone or the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
