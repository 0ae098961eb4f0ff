"""What the demo prints."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

CRITERIA = ("platform_appropriateness", "style_consistency", "clarity", "engagement", "grammar")
_COLOURS = {"linkedin": "bright_blue", "x": "white", "blog": "green"}

console = Console(highlight=False)
_steps = itertools.count(1)


def step(text: str) -> None:
    """The next chapter."""
    console.print()
    console.rule(f"[bold]{next(_steps)}. {escape(text)}", align="left")


def note(text: str) -> None:
    console.print(f"   {text}")


def happened(event: dict[str, Any]) -> None:
    """One line for one event of the workflow."""
    data = event["data"]
    platform = data.get("platform", "")
    colour = _COLOURS.get(platform, "cyan")
    told: dict[str, Callable[[], str]] = {
        "WorkflowStarted": lambda: f"for {', '.join(data['platforms'])}; good enough from {data['min_score']}",
        "DraftRequested": lambda: f"round {data['iteration']}" + (f": {data['feedback']}" if data["feedback"] else ""),
        "DraftReceived": lambda: f"round {data['iteration']}, now before the judge",
        "PlatformReadyForReview": lambda: f"score {data['score']}, {data['reason'].replace('_', ' ')}",
        "DraftRejected": lambda: f"feedback: {data['feedback']}" if data["feedback"] else "",
        "DraftEdited": lambda: f"{len(data['content'])} characters, to {data['purpose']}",
        "PlatformPublished": lambda: str(data["url"]),
        "PlatformFailed": lambda: str(data["reason"]),
        "WorkflowCompleted": lambda: ", ".join(f"{name} {end}" for name, end in data["outcomes"].items()),
    }
    details = told[event["type"]]() if event["type"] in told else ""
    line = Text("   ")
    line.append(f"{platform:<9}", style=colour)
    line.append(f"{event['type']:<24}", style="bold")
    line.append(details, style="dim")
    console.print(line, overflow="ellipsis", no_wrap=True)


def draft(content: dict[str, Any], verdict: dict[str, Any] | None, found: str) -> None:
    """A draft with its verdict, and where its sentences come from."""
    body = content["content"]
    shown = body if len(body) < 1400 else body[:1400].rstrip() + f"\n… ({len(body)} characters in all)"
    colour = _COLOURS.get(content["platform"], "cyan")
    title = f"{content['platform']} · round {content['iteration']} · {content['source']} · {content['engine']}"
    parts: list[Any] = [Text(shown)]
    if verdict is not None:
        table = Table.grid(padding=(0, 2))
        for name in CRITERIA:
            score = verdict["criteria_scores"].get(name, 0)
            bar = "█" * (score // 5)
            table.add_row(name.replace("_", " "), f"[{_heat(score)}]{bar:<20}[/] {score}")
        table.add_row("[bold]score", f"[bold {_heat(verdict['score'])}]{verdict['score']}")
        parts += [Text(), table]
        if verdict["feedback"]:
            parts.append(Text(verdict["feedback"], style="italic dim"))
    if found:
        parts.append(Text(found, style="dim"))
    console.print(Panel(Group(*parts), title=escape(title), border_style=colour, title_align="left"))


def _heat(score: int) -> str:
    return "green" if score >= 80 else "yellow" if score >= 60 else "red"


def posts(rows: list[tuple[str, str, int]]) -> None:
    """Published posts: platform, address, and what the address answers."""
    table = Table(box=None, padding=(0, 2))
    for heading in ("platform", "address", "answers"):
        table.add_column(heading)
    for platform, url, status in rows:
        table.add_row(platform, f"[link={url}]{escape(url)}[/link]", f"[{'green' if status == 200 else 'red'}]{status}")
    console.print(table)


def history(events: list[dict[str, Any]]) -> None:
    """Everything that happened, in all services."""
    table = Table(box=None, padding=(0, 1))
    for heading in ("at", "service", "event", "stream", "v"):
        table.add_column(heading, style="dim" if heading in ("at", "stream", "v") else "")
    for event in events:
        table.add_row(
            str(event["recorded_at"])[11:23],
            event["service"],
            event["type"],
            f"{event['stream_type']} {str(event['stream_id'])[:8]}",
            str(event["version"]),
        )
    console.print(table)
