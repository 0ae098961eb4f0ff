"""The table, for people at a terminal and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tests.bench.figure import Figure

CALM = 0.15  # share of the machine that others may use without being mentioned
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_HEADINGS = ("figure", "ours", "target", "reached", "limit or peer", "theirs", "ours : theirs")


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.what,
        _number(figure.ours, figure.unit),
        _number(figure.target),
        f"{figure.reached:.0%}" if figure.reached is not None else "",
        figure.peer,
        _number(figure.theirs),
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
    )


def table(figures: Sequence[Figure]) -> Table:
    """For the terminal: green where a target is kept, yellow from half of it, red below."""
    found = Table(box=None, padding=(0, 1), header_style="bold")
    for number, heading in enumerate(_HEADINGS):
        found.add_column(heading, justify="left" if number in (0, 4) else "right")
    for figure in figures:
        cells = list(_cells(figure))
        if figure.reached is not None:
            colour = "green" if figure.reached >= 1 else "yellow" if figure.reached >= 0.5 else "red"
            cells[3] = f"[{colour}]{cells[3]}[/]"
        found.add_row(*cells)
    return found


def measured_on(machine: str, busy: float) -> str:
    """A sentence on the machine, and one more when others used it."""
    others = f" Others used {busy:.0%} of it when the run began: expect better." if busy > CALM else ""
    return f"Measured on {machine}.{others}"


def markdown(figures: Sequence[Figure], machine: str, busy: float) -> str:
    """The same for a document; `busy`: the share of the machine that others used when the run began."""
    lines = [measured_on(machine, busy), "", f"| {' | '.join(_HEADINGS)} |", "|---|--:|--:|--:|---|--:|--:|"]
    lines += [f"| {' | '.join(_cells(figure))} |" for figure in figures]
    return "\n".join(lines)


def write(document: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the text between the markers. Raises ValueError when the document has none."""
    before, found, rest = document.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{document} has no place for figures: {begin} … {end}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}")
