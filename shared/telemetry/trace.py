"""The tree of a trace, or of a whole story, across services: `python -m shared.telemetry.trace ID [--dir FOLDER]`."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from shared.telemetry.tracefiles import Span, Story, find_story

DIRECTORY_VARIABLE, DEFAULT_DIRECTORY = "PRESSWORK_TRACES_DIR", ".data/traces"
_KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
PRODUCER, CONSUMER = 4, 5
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


def render(trace_id: str, directory: Path) -> Tree:
    """The spans of a trace and of the traces linked to it, as a tree for rich to print.

    `trace_id` is a trace id (32 hex digits), a traceparent, or any id found in a span's attributes: a correlation,
    workflow, stream or event id. Raises LookupError, with a sentence for the user, when no span is found.
    """
    story = find_story(trace_id, directory)
    if not story.spans:
        where = f"the span files in {directory}" if directory.is_dir() else f"{directory}, which does not exist"
        raise LookupError(
            f"No span of {trace_id!r} was found in {where}. Spans are written about a second after they end; "
            "the oldest are dropped when a service has written 64 MB; traces that were not sampled are never written."
        )
    return _draw(story)


def _draw(story: Story) -> Tree:
    spans = sorted(story.spans, key=lambda span: (span.start_ns, span.end_ns))
    start, end = spans[0].start_ns, max(span.end_ns for span in spans)
    services = sorted({span.service for span in spans})
    colours = {service: _COLOURS[place % len(_COLOURS)] for place, service in enumerate(services)}
    traces = {span.trace_id for span in spans}
    failed = sum(span.failed for span in spans)
    title = Text.assemble(
        (f"trace {spans[0].trace_id}", "bold"),
        f"  {len(spans)} spans, {len(services)} services, {_duration(end - start)}",
        (f", {len(traces)} traces" if len(traces) > 1 else "", ""),
        (f", {failed} failed" if failed else "", "red"),
    )
    tree = Tree(title)
    nodes: dict[str, Tree] = {}
    sent: dict[str, Span] = {}
    known = {span.span_id for span in spans}
    causes = {span.span_id: span.cause(known) for span in spans}
    senders = {span.message_id: span for span in reversed(spans) if span.kind == PRODUCER}
    for span in spans:
        # Sent and processed under one parent, the event's: the sending comes between.
        sender = senders.get(span.message_id) if span.kind == CONSUMER and span.message_id else None
        if sender is not None and causes[sender.span_id] == causes[span.span_id]:
            causes[span.span_id] = sender.span_id
    followed = set(causes.values())
    waiting = spans
    # A parent can start, by its own machine's clock, after its child: go round until nobody finds a parent any more.
    while waiting:
        left: list[Span] = []
        for span in waiting:
            cause = causes[span.span_id]
            node = tree if cause is None else nodes.get(cause)
            if node is None:
                left.append(span)
            elif span.kind == PRODUCER and span.span_id in followed and not span.failed:
                # Its consumers stand in its place and say how long the event was on its way.
                nodes[span.span_id], sent[span.span_id] = node, span
            else:
                linked = cause is not None and span.cause(known) != span.parent_id
                label = _label(span, start, colours, linked=linked, sent=sent.get(cause or ""))
                nodes[span.span_id] = node.add(label)
        if len(left) == len(waiting):
            # Links may run in a circle; whoever came first is shown as a root.
            first = left.pop(0)
            nodes[first.span_id] = tree.add(_label(first, start, colours))
        waiting = left
    if story.more:
        tree.add(Text(f"{story.more} more linked traces are not shown", style="dim"))
    return tree


def _label(span: Span, start: int, colours: dict[str, str], *, linked: bool = False, sent: Span | None = None) -> Text:
    return Text.assemble(
        ("↪ " if linked else "", "bold"),
        (span.service, colours[span.service]),
        (f"  {span.name}", "bold" if span.kind in _KINDS else ""),
        (f"  {_KINDS[span.kind]}" if span.kind in _KINDS else "", "dim"),
        (f"  {_duration(span.end_ns - span.start_ns)}", "bright_white"),
        (f"  +{_duration(span.start_ns - start)}", "dim"),
        (f"  {_duration(span.start_ns - sent.start_ns)} after {sent.service} sent it" if sent else "", "dim"),
        (f"  {span.status_code}" if span.status_code else "", "dim"),
        (f"  ✗ {span.error or 'failed'}" if span.failed else "", "bold red"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _duration(nanoseconds: int) -> str:
    milliseconds = nanoseconds / 1e6
    if milliseconds < 1:
        return f"{nanoseconds / 1e3:.0f} µs"
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def main() -> int:
    """Print the tree; 1 and a sentence on standard error when there is none."""
    parser = argparse.ArgumentParser(prog="trace", description=__doc__)
    parser.add_argument("id", help="a trace id, a traceparent, or a workflow, correlation or event id")
    directory = os.environ.get(DIRECTORY_VARIABLE, DEFAULT_DIRECTORY)
    parser.add_argument("--dir", type=Path, default=directory, help=f"the folder of span files ({directory})")
    given = parser.parse_args()
    try:
        tree = render(given.id, given.dir)
    except LookupError as error:
        sys.stderr.write(f"{error.args[0]}\n")
        return 1
    console = Console()
    console.print(tree) if console.is_terminal else Console(width=200).print(tree)
    return 0


if __name__ == "__main__":
    sys.exit(main())
