"""Figures of the kit alone: append, relay, commit → heard, rebuild."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.ground import Ground, work
from tests.bench.peers_environment import peer

_AT_ONCE, _LANES = 60, 3  # workflows a transaction, transactions under way
_RELAYED = 30_000
_REBUILT = 40_000


def append(ground: Ground) -> Iterator[Figure]:
    """Events with the service's own read rows, one process, many commands a transaction."""
    ours = work(
        "append", database_url=ground.schemas("workflow")["workflow"], seconds=5, at_once=_AT_ONCE, lanes=_LANES
    )["rate"]
    bare = peer(
        "bare_append", database_url=ground.schemas("workflow")["workflow"], seconds=4, at_once=_AT_ONCE, lanes=_LANES
    )
    other = peer("eventsourcing_append", database_url=ground.database(), seconds=2, at_once=_AT_ONCE)
    what = "append + own read rows, one process"
    yield Figure(what, "events/s", ours, target=20_000, peer="asyncpg alone, the same rows", theirs=bare["unnest"])
    yield Figure(what, "events/s", ours, peer="COPY of the events alone", theirs=bare["copy"])
    yield Figure(what, "events/s", ours, peer="eventsourcing, batched, no rows", theirs=other["batched"])
    yield Figure(what, "events/s", ours, peer="eventsourcing, one workflow a save", theirs=other["single"])


def relay(ground: Ground) -> Iterator[Figure]:
    """From a filled store to the broker."""
    for name, broker in ground.brokers():
        plain, traced = (
            work(
                "relay",
                database_url=ground.schemas("workflow")["workflow"],
                kafka_url=broker.url,
                count=_RELAYED,
                tracing=tracing,
            )
            for tracing in (False, True)
        )
        bare = plain["bare"]
        yield Figure(f"relay to {name}", "events/s", plain["rate"], target=30_000, peer="aiokafka alone", theirs=bare)
        yield Figure(
            f"relay to {name}, each event traced", "events/s", traced["rate"], peer="aiokafka alone", theirs=bare
        )


def heard(ground: Ground) -> Iterator[Figure]:
    """Idle latency between two services."""
    for name, broker in ground.brokers():
        found = work("heard", dsns=ground.schemas("workflow", "generation"), kafka_url=broker.url, count=150)
        for share, target in (("p50", 2.0), ("p99", 10.0)):
            ours = found["heard"][share]
            yield Figure(f"commit → heard, {name}, {share}", "ms", ours, better="lower", target=target)
        for share in ("p50", "p99"):
            ours = found["effective"][share]
            yield Figure(f"commit → its effects committed, {name}, {share}", "ms", ours, better="lower")


def rebuild(ground: Ground) -> Iterator[Figure]:
    """Read tables of the workflow service from its events."""
    admin_dsn = ground.database()
    dsn = ground.migrated(admin_dsn, "workflow")["workflow"]
    found = work("rebuild", database_url=dsn, admin_dsn=admin_dsn, events=_REBUILT)
    yield Figure(
        "rebuild of workflows and platform_states",
        "events/s",
        found["rate"],
        target=50_000,
        peer="COPY of the rows it wrote",
        theirs=found["copy"],
    )
    yield Figure("rebuild of every table of workflow, checkpoints too", "events/s", found["everything"])
