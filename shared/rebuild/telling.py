"""How far a rebuild is: a bar at a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from shared.rebuild.run import Progress as Done
from shared.rebuild.run import Told

EVERY = 5.0  # seconds between plain lines of one stage


class _Rate(ProgressColumn):
    """Events a second since the beginning."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed or 0
        return Text(_rate(int(task.fields["events"]), seconds), style="progress.data.speed")


def _rate(events: int, seconds: float) -> str:
    return f"{events:,} events" + (f" {events / seconds:,.0f}/s" if seconds else "")


@contextmanager
def telling(console: Console, name: str) -> Iterator[Told]:
    """What to hand to a rebuild of this service."""
    if not console.is_terminal:
        yield _Lines(console, name).tell
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Rate(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        line = bar.add_task(name, total=1.0, events=0)

        def tell(done: Done) -> None:
            bar.update(line, description=f"{name}: {done.stage}", completed=done.share, events=done.events)

        yield tell


class _Lines:
    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._began = self._told = time.monotonic()
        self._stage = ""

    def tell(self, done: Done) -> None:
        """A line for each stage, and now and then within one."""
        now = time.monotonic()
        if done.stage == self._stage and now - self._told < EVERY:
            return
        self._stage, self._told = done.stage, now
        rate = _rate(done.events, now - self._began)
        self._console.print(f"{self._name}: {done.stage}, {done.share:.0%}, {rate}")
