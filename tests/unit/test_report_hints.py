"""What figures suggest: each hint where it belongs, none where all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.report.hints import hints
from deploy.report.reading import Figures

NOW = datetime(2026, 3, 5, tzinfo=UTC)
DATABASE: dict[str, Any] = {
    "blks_hit": 990_000,
    "blks_read": 10_000,
    "deadlocks": 0,
    "frozen_age": 100_000,
    "freeze_at": 200_000_000,
    "max_connections": 100,
    "stats_reset": None,
    "started": NOW - timedelta(days=2),
    "now": NOW,
}
TABLE: dict[str, Any] = {
    "schema": "media",
    "name": "files",
    "live": 50_000,
    "estimated": 50_000,
    "dead": 100,
    "seq_scans": 10,
    "seq_rows": 500_000,
    "idx_scans": 9_000,
    "analyzed": NOW,
}
INDEX: dict[str, Any] = {"schema": "media", "name": "idx_files", "scans": 5, "needed": False, "size": 2**26}
CONNECTION: dict[str, Any] = {"role": "presswork_media", "application": "", "count": 8, "oldest": None, "waiting": 0}
ARCHIVER: dict[str, Any] = {"on": True, "last_failed_time": NOW - timedelta(hours=1), "last_archived_time": NOW}


def found(**changes: dict[str, Any]) -> Figures:
    """Figures in which all is well but for these."""
    parts = {"database": DATABASE, "table": TABLE, "index": INDEX, "connection": CONNECTION, "archiver": ARCHIVER}
    parts = {name: part | changes.get(name, {}) for name, part in parts.items()}
    return Figures(parts["database"], [parts["table"]], [parts["index"]], [parts["connection"]], parts["archiver"])


def test_where_all_is_well_nothing_is_said() -> None:
    assert list(hints(found())) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": {"dead": 20_000}}, "media.files: 20,000 dead rows beside 50,000: VACUUM (ANALYZE) media.files"),
        (
            {"table": {"analyzed": None}},
            "media.files was never analysed, so its plans are guesses: ANALYZE media.files",
        ),
        (
            {"table": {"seq_scans": 10_000, "seq_rows": 500_000_000}},
            "media.files is read whole more often (10,000 times) than by an index.",
        ),
        ({"index": {"scans": 0}}, "media.idx_files (64 MiB) was not used since 2026-03-03 00:00 UTC."),
        ({"database": {"blks_read": 990_000}}, "Only 50% of the pages read were in memory"),
        ({"database": {"deadlocks": 3}}, "3 deadlocks since 2026-03-03 00:00 UTC"),
        ({"database": {"frozen_age": 500_000_000}}, "The oldest transaction id is 500,000,000 old"),
        ({"database": {"max_connections": 9}}, "8 of 9 connections are taken"),
        ({"connection": {"oldest": 3700.0}}, "presswork_media has held a transaction open for 1:01:40"),
        ({"connection": {"waiting": 2}}, "2 connections of presswork_media wait for a lock."),
        ({"archiver": {"last_archived_time": NOW - timedelta(hours=2)}}, "The WAL archive fails"),
        ({"archiver": {"last_archived_time": None}}, "The WAL archive fails"),
    ],
)
def test_what_stands_out_is_said(changes: dict[str, dict[str, Any]], said: str) -> None:
    (hint,) = hints(found(**changes))
    assert said in hint


@pytest.mark.parametrize(
    "changes",
    [
        {"index": {"scans": 0, "needed": True}},
        {"index": {"scans": 0, "size": 8192}},
        {"table": {"dead": 900, "live": 100}},
        {"archiver": {"on": False, "last_archived_time": None}},
        {"database": {"blks_hit": 10, "blks_read": 10}},
    ],
)
def test_what_does_not_matter_is_not_said(changes: dict[str, dict[str, Any]]) -> None:
    assert list(hints(found(**changes))) == []


def test_growth_is_measured_from_an_earlier_moment() -> None:
    figures = found()
    two_days = Figures(
        figures.database,
        figures.tables,
        [],
        [],
        ARCHIVER,
        since=NOW - timedelta(days=2),
        before={("media", "files"): 30_000},
    )
    assert two_days.a_day(TABLE) == 10_000
    assert two_days.a_day(TABLE | {"name": "images"}) is None
    assert figures.a_day(TABLE) is None
