"""One service of the stack: its process, whether it is ready, and when it may be started again."""

import http.client
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.process import Child

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_STEADY_AFTER = 60.0


class ServiceProcess:
    """A service on its own loopback port.

    A crash is answered by a new start, later each time: 0.5 s, 1 s, ... 30 s, until it ran for a minute.
    """

    def __init__(
        self, name: str, command: Sequence[str], port: int, *, env: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        self.name = name
        self.host, self.port = "127.0.0.1", port
        self.wanted = False
        self._child = Child(name, command, log=log, env=env, cwd=cwd, stop_signal=signal.SIGTERM)
        self._crashes = 0
        self._started_at = 0.0
        self._start_at: float | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def exit_code(self) -> int | None:
        return self._child.exit_code

    def start(self) -> None:
        """Start the process; it is wanted from now on."""
        self.wanted = True
        self._start_at = None
        self._started_at = time.monotonic()
        self._child.start()

    def ask_to_stop(self) -> None:
        """SIGTERM; it is not wanted from now on."""
        self.wanted = False
        self._child.ask_to_stop()

    def finish(self, timeout: float) -> bool:
        """Wait for the end after `ask_to_stop`, by force after `timeout` seconds. True if it went gently."""
        gently = self._child.wait(timeout)
        self._child.kill()
        return gently

    def kill(self) -> None:
        """SIGKILL it, as a crash would."""
        self._child.kill()

    def log_tail(self) -> str:
        return self._child.log_tail()

    def is_ready(self, timeout: float = 1.0) -> bool:
        """True if GET /readyz answers 200."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def tend(self) -> str | None:
        """Notice a crash, and start again when its time has come; what happened, or None."""
        if not self.wanted or self._child.running:
            return None
        now = time.monotonic()
        if self._start_at is None:
            if now - self._started_at > _STEADY_AFTER:
                self._crashes = 0
            delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._crashes)
            self._crashes += 1
            self._start_at = now + delay
            return f"{self.name} ended (exit {self.exit_code}), starts again in {delay:g} s; its log: {self._child.log}"
        if now >= self._start_at:
            self.start()
            return f"{self.name} was started again (pid {self.pid})"
        return None
