"""What the figures suggest looking after, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from deploy.report.reading import Figures

MANY_DEAD = 0.2
LARGE_ROWS = 10_000
LARGE_BYTES = 8 * 1024 * 1024
GOOD_CACHE = 0.95
LONG_TRANSACTION = 60.0  # seconds
FULL = 0.8


def hints(found: Figures) -> Iterator[str]:
    """Bloat, unused indexes, whole tables read, a cold cache, long transactions, few free connections, old transaction
    ids, an archive that fails."""
    yield from _tables(found)
    yield from _indexes(found)
    database = found.database
    read = database["blks_hit"] + database["blks_read"]
    if read > 100_000 and database["blks_hit"] / read < GOOD_CACHE:
        share = database["blks_hit"] / read
        yield f"Only {share:.0%} of the pages read were in memory: more shared_buffers, or a look at the slow queries."
    if database["deadlocks"]:
        yield f"{database['deadlocks']} deadlocks since {_since(found)}: the server's log names the statements."
    if database["frozen_age"] > 2 * database["freeze_at"]:
        age = database["frozen_age"]
        yield f"The oldest transaction id is {age:,} old: vacuum does not get through; look for what holds it."
    yield from _connections(found)
    archiver = found.archiver
    failed, archived = archiver["last_failed_time"], archiver["last_archived_time"]
    if archiver["on"] and failed and (archived is None or failed > archived):
        yield "The WAL archive fails: the server's log says why. Segments pile up in pg_wal until it works."


def _tables(found: Figures) -> Iterator[str]:
    for table in found.tables:
        name, rows = f"{table['schema']}.{table['name']}", found.rows(table)
        dead = table["dead"]
        if dead > LARGE_ROWS and dead > MANY_DEAD * (rows + dead):
            yield f"{name}: {dead:,} dead rows beside {rows:,}: VACUUM (ANALYZE) {name}"
        if rows > LARGE_ROWS and table["analyzed"] is None:
            yield f"{name} was never analysed, so its plans are guesses: ANALYZE {name}"
        read_whole = table["seq_scans"] > 100 and table["seq_rows"] / max(table["seq_scans"], 1) > LARGE_ROWS
        if read_whole and table["seq_scans"] > table["idx_scans"]:
            yield f"{name} is read whole more often ({table['seq_scans']:,} times) than by an index."


def _indexes(found: Figures) -> Iterator[str]:
    for index in found.indexes:
        if not index["scans"] and not index["needed"] and index["size"] > LARGE_BYTES:
            size = index["size"] / 1024 / 1024
            yield f"{index['schema']}.{index['name']} ({size:,.0f} MiB) was not used since {_since(found)}."


def _connections(found: Figures) -> Iterator[str]:
    used = sum(each["count"] for each in found.connections)
    most = found.database["max_connections"]
    if used > FULL * most:
        yield f"{used} of {most} connections are taken: fewer processes, or smaller pools (PRESSWORK_DATABASE_POOL)."
    for each in found.connections:
        if each["oldest"] and each["oldest"] > LONG_TRANSACTION:
            age = timedelta(seconds=int(each["oldest"]))
            who = each["application"] or each["role"]
            yield f"{who} has held a transaction open for {age}: what is committed meanwhile is published late."
        if each["waiting"]:
            yield f"{each['waiting']} connections of {each['application'] or each['role']} wait for a lock."


def _since(found: Figures) -> str:
    moment = found.database["stats_reset"] or found.database["started"]
    return f"{moment:%Y-%m-%d %H:%M} UTC"
