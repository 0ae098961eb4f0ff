"""Figures of the whole platform: workflows a second, idle latency, reads, memory, and how fast it starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from deploy.embedded.ports import free_port
from tests.bench.figure import Figure
from tests.bench.ground import Ground, work
from tests.bench.peers_environment import peer, serving
from tests.bench.platform import Platform, platform, start_again
from tests.bench.work.workflows import cpu_used

_SWEEP = (16, 48, 128)
_PEER_SWEEP = (4, 16)
_SETTLED, _IDLE = 4, 10  # seconds until what a start or requests stirred up is over, and of looking
_ROOMY = {"generation", "evaluation"}  # they hold models

Peers = Callable[[], dict[str, Any]]


def figures(ground: Ground, wanted: set[str]) -> Iterator[Figure]:
    """Those of `workflows`, `review`, `read`, `memory`, `up` that are wanted, on as few starts as that takes."""
    langgraph = cache(
        lambda: peer("langgraph_workflow", database_url=ground.database(), seconds=4, sweep=list(_PEER_SWEEP))
    )
    if wanted & {"workflows", "review", "read"}:
        for name, broker in ground.brokers():
            first = name == "Tansu"
            if not first and not wanted & {"workflows", "review"}:
                break
            with platform(ground, broker) as on:
                if "review" in wanted:
                    yield from _review(on, name, langgraph)
                if "read" in wanted and first:
                    yield from _read(on)
                if "workflows" in wanted:
                    yield _idle(on, name)
                    yield from _workflows(on, name, langgraph, _SWEEP if first else _SWEEP[1:2])
    if wanted & {"workflows", "memory"}:
        with ground.tansu() as broker, platform(ground, broker, "offline") as on:
            if "memory" in wanted:
                yield from _memory(on, "after start")
            if "workflows" in wanted:
                found = _load(on, (8,))["8"]
                yield Figure("workflows through the gateway, offline engine and judge", "workflows/s", found["rate"])
            else:
                work("review", gateway=on.gateway, count=3)
            if "memory" in wanted:
                yield from _memory(on, "after work")
    if "up" in wanted:
        yield Figure("make up, warm", "s", start_again(ground.folder / "up"), better="lower", target=10)


def _review(on: Platform, broker: str, langgraph: Peers) -> Iterator[Figure]:
    found = work("review", gateway=on.gateway, count=150)
    theirs = langgraph()["draft"]
    for share, target in (("p50", 15.0), ("p99", 50.0)):
        yield Figure(
            f"POST → awaiting review, {broker}, {share}",
            "ms",
            found["ready"][share],
            better="lower",
            target=target,
            peer="LangGraph, in process, no HTTP",
            theirs=theirs[share],
        )
    yield Figure(f"the POST alone, {broker}, p50", "ms", found["post"]["p50"], better="lower")


def _read(on: Platform) -> Iterator[Figure]:
    ours = work("reads", url=on.gateway, gateway=on.gateway, seconds=3)
    port = free_port()
    with serving("bare_api", database_url=on.stack.dsns["workflow"], port=port):
        theirs = work("reads", url=f"http://127.0.0.1:{port}/projects/{ours['id']}", seconds=3)
    peer_is = "FastAPI + asyncpg alone"
    yield Figure(
        "read by id through the gateway, p50",
        "ms",
        ours["p50"],
        better="lower",
        target=2 * theirs["p50"],
        peer=peer_is,
        theirs=theirs["p50"],
    )
    yield Figure(
        "read by id through the gateway, 16 readers",
        "requests/s",
        ours["rate"],
        target=theirs["rate"] / 2,
        peer=peer_is,
        theirs=theirs["rate"],
    )
    what = "project with files and outputs, of three services"
    yield Figure(f"{what}, p50", "ms", ours["composed"]["p50"], better="lower")
    yield Figure(f"{what}, 16 readers", "requests/s", ours["composed"]["rate"])


def _idle(on: Platform, broker: str) -> Figure:
    time.sleep(_SETTLED)
    before = cpu_used(on.pids)
    time.sleep(_IDLE)
    used = {name: (ended - before[name]) * 1000 / _IDLE for name, ended in cpu_used(on.pids).items()}
    return Figure(
        f"CPU of the platform while nothing happens, {broker}: {_parts(used)}", "ms/s", sum(used.values()), "lower"
    )


def _workflows(on: Platform, broker: str, langgraph: Peers, sweep: tuple[int, ...]) -> Iterator[Figure]:
    found = _load(on, sweep)
    users, best = max(found.items(), key=lambda each: each[1]["rate"])
    theirs = max(langgraph()["rates"].values())
    yield Figure(
        f"workflows through the gateway, {broker} ({users} at once)",
        "workflows/s",
        best["rate"],
        target=400,
        peer="LangGraph, in process, no HTTP",
        theirs=theirs,
    )
    total = sum(best["cpu_ms"].values())
    yield Figure(f"CPU of one workflow, {broker}: {_parts(best['cpu_ms'])}", "ms", total, better="lower")


def _parts(milliseconds: dict[str, float]) -> str:
    """By process, the dearest first."""
    return ", ".join(f"{name} {ms:.1f}" for name, ms in sorted(milliseconds.items(), key=lambda each: -each[1]))


def _load(on: Platform, sweep: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    return work("workflows", gateway=on.gateway, admin_dsn=on.admin_dsn, sweep=sweep, seconds=6, pids=on.pids)


def _memory(on: Platform, when: str) -> Iterator[Figure]:
    for name, resident in sorted(on.memory().items()):
        limit = 350 if name in _ROOMY else 120
        yield Figure(f"memory of {name} {when}", "MiB", resident, better="lower", target=limit)
