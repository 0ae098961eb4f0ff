"""The outcome of a check, on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.schema.compare import Fact
from deploy.schema.deviations import Verdict


def show(console: Console, facts: Sequence[Fact], verdict: Verdict, ailments: Sequence[str]) -> None:
    """Print what was compared, and everything that is wrong."""
    console.print(_summary(facts, verdict))
    if verdict.unexplained:
        console.print(_differences(verdict.unexplained))
    for heading, lines in (("unhealthy", ailments), ("stale deviation", verdict.stale)):
        for line in lines:
            console.print(f"[bold red]{heading}[/] {escape(line)}")
    if verdict.unexplained or ailments or verdict.stale:
        console.print(
            f"[bold red]{len(verdict.unexplained)} differences without a reason, {len(ailments)} faults, "
            f"{len(verdict.stale)} reasons without a difference.[/] Mend the schema, or say why in "
            "deploy/schema/deviations.toml."
        )
    else:
        deviations = len({deviation.title for deviation in verdict.explained.values()})
        console.print(
            f"[bold green]The schema is as documented[/]: {len(facts):,} facts compared, {len(verdict.explained):,} "
            f"of them differ for {deviations} stated reasons."
        )


def _summary(facts: Sequence[Fact], verdict: Verdict) -> Table:
    table = Table("document", "facts", "same", "differ, with reason", "differ, without", title="Documents and database")
    for column in table.columns[1:]:
        column.justify = "right"
    without = Counter(fact.document for fact in verdict.unexplained)
    reasoned = Counter(fact.document for fact in verdict.explained)
    for document, count in Counter(fact.document for fact in facts).items():
        same = count - without[document] - reasoned[document]
        open_ = f"[bold red]{without[document]}[/]" if without[document] else "0"
        table.add_row(document, str(count), str(same), str(reasoned[document]), open_)
    return table


def _differences(facts: Sequence[Fact]) -> Table:
    table = Table("table", "what", "name", "documented", "ours", "by", title="Differences without a reason")
    for fact in sorted(facts, key=lambda fact: (fact.service, fact.table, fact.aspect, fact.subject)):
        place = f"{fact.service}.{fact.table}" if fact.service else fact.table
        row = (place, fact.kind, fact.subject, fact.documented, fact.ours, fact.document)
        table.add_row(*(escape(cell) for cell in row))
    return table
