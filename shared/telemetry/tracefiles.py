"""Finding the spans of one story in the span files: bytes are searched first, only lines that hit are parsed."""

import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

MAX_LINKED_TRACES = 32

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_HEX = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span; times in nanoseconds since 1970, `kind` as OTLP numbers it (2 server ... 5 consumer)."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, str]
    links: tuple[tuple[str, str], ...]
    failed: bool
    error: str

    @property
    def status_code(self) -> str | None:
        """The HTTP status, when it was a request."""
        return self.attributes.get("http.response.status_code")

    @property
    def message_id(self) -> str | None:
        """The id of the event that was sent or processed."""
        return self.attributes.get("messaging.message.id")

    def cause(self, known: set[str]) -> str | None:
        """The span this one hangs under among `known`: its parent, else the first span it links to."""
        if self.parent_id in known:
            return self.parent_id
        return next((span_id for _, span_id in self.links if span_id in known and span_id != self.span_id), None)


@dataclass(frozen=True, slots=True)
class Story:
    """The spans found, and how many linked traces were left out."""

    spans: tuple[Span, ...]
    more: int = 0


def find_story(wanted: str, directory: Path) -> Story:
    """All spans of the trace (or of the traces whose spans carry the id) and of up to 32 traces linked to or from them.

    `wanted` is 32 hex digits, a traceparent, or the value of a span attribute. Empty when nothing is found.
    """
    wanted = wanted.strip().lower() if _TRACEPARENT.fullmatch(wanted.strip().lower()) else wanted.strip()
    files = sorted(directory.glob("*.jsonl*")) if directory.is_dir() else []
    traceparent = _TRACEPARENT.fullmatch(wanted)
    trace_id = traceparent[1] if traceparent else wanted.lower()
    if _HEX.fullmatch(trace_id):
        story = _follow({trace_id}, files)
        if story.spans or traceparent:
            return story
        # A UUID written without its hyphens.
        wanted = f"{trace_id[:8]}-{trace_id[8:12]}-{trace_id[12:16]}-{trace_id[16:20]}-{trace_id[20:]}"
    carriers = {
        span.trace_id for span in _search([wanted], files) if any(value == wanted for value in span.attributes.values())
    }
    return _follow(carriers, files) if carriers else Story(())


def _follow(trace_ids: set[str], files: list[Path]) -> Story:
    """The spans of the traces, then of those linked to or from them, round by round."""
    asked = set(trace_ids)
    limit = len(asked) + MAX_LINKED_TRACES
    found: dict[str, Span] = {}
    candidates = sorted(asked)
    more: set[str] = set()
    while candidates:
        linked: dict[str, None] = {}
        for span in _search(candidates, files):
            targets = [trace_id for trace_id, _ in span.links]
            if span.trace_id in asked:
                found[span.span_id] = span
                linked.update(dict.fromkeys(targets))
            elif any(trace_id in asked for trace_id in targets):
                linked[span.trace_id] = None
        fresh = [trace_id for trace_id in linked if trace_id not in asked]
        candidates = fresh[: max(0, limit - len(asked))]
        asked.update(candidates)
        more.update(fresh)
    return Story(tuple(found.values()), len(more - asked))


def _search(needles: list[str], files: list[Path]) -> Iterator[Span]:
    """The spans of every line in which one of the needles occurs."""
    pattern = re.compile(b"|".join(re.escape(needle.encode()) for needle in needles))
    for path in files:
        for line in _lines_with(pattern, path):
            try:
                data = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # a line torn by a kill
            yield from _spans(data, needles)


def _lines_with(pattern: re.Pattern[bytes], path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            position = 0
            while hit := pattern.search(content, position):
                begin = content.rfind(b"\n", position, hit.start()) + 1 or position
                end = content.find(b"\n", hit.end())
                position = len(content) if end < 0 else end + 1
                yield content[begin:position]
    except (ValueError, FileNotFoundError):
        return  # empty, or turned away while looking


def _spans(data: dict[str, Any], needles: Iterable[str]) -> Iterator[Span]:
    wanted = set(needles)
    for resource in data.get("resourceSpans", ()):
        service = _flat(resource["resource"]["attributes"]).get("service.name", "?")
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if _mentions(span, wanted):
                    yield _read(span, service)


def _mentions(span: dict[str, Any], wanted: set[str]) -> bool:
    return (
        span["traceId"] in wanted
        or any(link["traceId"] in wanted for link in span.get("links", ()))
        or any(attribute["value"].get("stringValue") in wanted for attribute in span["attributes"])
    )


def _read(span: dict[str, Any], service: str) -> Span:
    status = span.get("status", {})
    return Span(
        service=service,
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId"),
        name=span["name"],
        kind=span["kind"],
        start_ns=int(span["startTimeUnixNano"]),
        end_ns=int(span["endTimeUnixNano"]),
        attributes=_flat(span["attributes"]),
        links=tuple((link["traceId"], link["spanId"]) for link in span.get("links", ())),
        failed=status.get("code") == 2,
        error=status.get("message", ""),
    )


def _flat(attributes: list[dict[str, Any]]) -> dict[str, str]:
    return {each["key"]: str(next(iter(each["value"].values()), "")) for each in attributes}
