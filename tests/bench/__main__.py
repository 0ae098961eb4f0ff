"""`python -m tests.bench [name ...] [--write]`: measure everything, or these figures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from tests.bench import (
    engine_figures,
    judging_figures,
    kit_figures,
    peers_environment,
    platform_figures,
    query_figures,
    report,
    schedule_figures,
)
from tests.bench.figure import Figure
from tests.bench.ground import REPOSITORY, Failed, Ground, busy, ground, machine

_KIT: dict[str, Callable[[Ground], Iterator[Figure]]] = {
    "append": kit_figures.append,
    "relay": kit_figures.relay,
    "heard": kit_figures.heard,
    "rebuild": kit_figures.rebuild,
    "drafts": engine_figures.drafts,
    "queries": query_figures.queries,
    "judging": judging_figures.judging,
    "schedule": schedule_figures.schedule,
}
_ALONE = {"drafts", "queries", "judging", "schedule"}  # nothing to compare with
_PLATFORM = ("workflows", "review", "read", "memory", "up")

console = Console(highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join((*_KIT, *_PLATFORM))}")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--lock", action="store_true", help="lock the peers' dependencies anew, and do nothing else")
    chosen = parser.parse_args()
    if chosen.lock:
        peers_environment.lock()
        return 0
    if unknown := set(chosen.names) - {*_KIT, *_PLATFORM}:
        parser.error(f"there is no figure named {', '.join(sorted(unknown))}")
    wanted = set(chosen.names) or {*_KIT, *_PLATFORM}

    began = time.monotonic()
    if (share := busy()) > report.CALM:
        console.print(f"[yellow]Others use {share:.0%} of this machine now: every figure will be worse than it is.")
    if wanted - _ALONE:
        with console.status("making the peers' environment"):
            peers_environment.ready()
    figures, failures = _measured(wanted)
    console.print(report.table(figures))
    console.print(f"[dim]{machine()}, {time.monotonic() - began:.0f} s")
    if chosen.write and not failures:
        document = REPOSITORY / "docs" / "performance.md"
        if wanted - _ALONE:
            report.write(document, report.markdown(figures, machine(), share))
        if "queries" in wanted:
            plans = query_figures.plans(figures)
            report.write(document, f"{report.measured_on(machine(), share)}\n\n{plans}", *query_figures.PLANS)
    return 1 if failures else 0


def _measured(wanted: set[str]) -> tuple[list[Figure], int]:
    figures: list[Figure] = []
    failures = 0
    with console.status("starting PostgreSQL") as status, ground() as on:
        sources = [(name, measure(on)) for name, measure in _KIT.items() if name in wanted]
        if platform := wanted & set(_PLATFORM):
            sources.append(
                (", ".join(name for name in _PLATFORM if name in platform), platform_figures.figures(on, platform))
            )
        for name, source in sources:
            status.update(f"measuring {name}")
            try:
                for figure in source:
                    figures.append(figure)
                    console.print(f"[dim]{figure.what}: {figure.ours:,.1f} {figure.unit}")
            except Failed as failed:
                failures += 1
                console.print(f"[red]{name}: {failed}")
    return figures, failures


if __name__ == "__main__":
    sys.exit(main())
