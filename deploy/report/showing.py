"""The report as tables on the terminal."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from deploy.report.hints import hints
from deploy.report.reading import Figures

MOST = 20


def show(console: Console, found: Figures) -> None:
    """Print everything."""
    for table in (_database(found), _tables(found), _indexes(found), _slow(found), _connections(found)):
        if table is not None:
            console.print(table)
    if found.slow is None:
        console.print(f"[yellow]Slow queries are not known:[/] {escape(found.why)}.")
    said = list(hints(found))
    for line in said:
        console.print(f"[bold yellow]look at[/] {escape(line)}")
    if not said:
        console.print("[bold green]Nothing stands out.[/]")


def _columns(table: Table, *names: str) -> Table:
    """Add columns; those whose name begins with `#` are numbers."""
    for name in names:
        table.add_column(name.lstrip("#"), justify="right" if name.startswith("#") else "left")
    return table


def _database(found: Figures) -> Table:
    one = found.database
    table = _columns(Table(title=f"Database {one['name']}, PostgreSQL {one['version'].split()[0]}"), "figure", "#value")
    pages = one["blks_hit"] + one["blks_read"]
    done = one["xact_commit"] + one["xact_rollback"]
    archived = found.archiver["archived_count"]
    rows = [
        ("size", decimal(one["size"])),
        ("pages found in memory", f"{one['blks_hit'] / pages:.2%}" if pages else "none read"),
        ("transactions", f"{done:,}, {one['xact_rollback']:,} rolled back"),
        ("deadlocks", f"{one['deadlocks']:,}"),
        ("written to temporary files", f"{decimal(one['temp_bytes'])} in {one['temp_files']:,}"),
        ("oldest transaction id", f"{one['frozen_age']:,} of {one['freeze_at']:,}"),
        (
            "WAL archive",
            f"{archived:,} segments, {found.archiver['failed_count']:,} failures" if found.archiver["on"] else "off",
        ),
        ("server started", _moment(one["started"])),
        ("counted since", _moment(one["stats_reset"] or one["started"])),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _tables(found: Figures) -> Table:
    since = f"since the backup of {_moment(found.since)}" if found.since else "with a backup to compare with: a day"
    title = f"Tables by size (rows are estimates; growth {since})"
    names = ("table", "#rows", "#a day", "#data", "#indexes", "#dead", "#by index", "vacuumed")
    table = _columns(Table(title=title), *names)
    for each in found.tables[:MOST]:
        rows, growth = found.rows(each), found.a_day(each)
        scans = each["seq_scans"] + each["idx_scans"]
        parts = f" ({each['parts']} parts)" if each["parts"] > 1 else ""
        table.add_row(
            f"{each['schema']}.{each['name']}{parts}",
            f"{rows:,}",
            "" if growth is None else f"{growth:+,.0f}",
            decimal(each["heap"]),
            decimal(each["indexes"]),
            f"{each['dead'] / (rows + each['dead']):.0%}" if each["dead"] else "",
            f"{each['idx_scans'] / scans:.0%}" if scans else "",
            _moment(each["vacuumed"]),
        )
    return table


def _indexes(found: Figures) -> Table:
    unused = [index for index in found.indexes if not index["scans"] and not index["needed"]]
    rest = sum(index["size"] for index in unused)
    title = f"Least used indexes ({len(unused)} unused, {decimal(rest)}; keys are not among them)"
    table = _columns(Table(title=title), "index", "table", "#scans", "#size")
    for each in [index for index in found.indexes if not index["needed"]][:MOST]:
        table.add_row(each["name"], f"{each['schema']}.{each['table']}", f"{each['scans']:,}", decimal(each["size"]))
    return table


def _slow(found: Figures) -> Table | None:
    if found.slow is None:
        return None
    names = ("#mean ms", "#longest ms", "#calls", "#total s", "#rows a call", "role", "query")
    table = _columns(Table(title="Slowest queries on average"), *names)
    for each in found.slow:
        table.add_row(
            f"{each['mean']:,.2f}",
            f"{each['longest']:,.1f}",
            f"{each['calls']:,}",
            f"{each['total'] / 1000:,.1f}",
            f"{each['rows'] / each['calls']:,.1f}",
            each["role"],
            escape(" ".join(each["query"].split())[:160]),
        )
    return table


def _connections(found: Figures) -> Table:
    used, most = sum(each["count"] for each in found.connections), found.database["max_connections"]
    title = f"Connections: {used} of {most}"
    table = _columns(
        Table(title=title), "role", "application", "state", "#connections", "#oldest transaction s", "#wait for locks"
    )
    for each in found.connections:
        oldest = "" if each["oldest"] is None else f"{each['oldest']:,.1f}"
        counts = (str(each["count"]), oldest, str(each["waiting"] or ""))
        table.add_row(each["role"], escape(each["application"]), each["state"], *counts)
    return table


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
