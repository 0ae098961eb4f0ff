"""Finished spans in bounded files: OTLP/JSON lines, one line per exported batch, readable by any OTLP file receiver."""

import fcntl
import os
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shared.telemetry.jsonlines import json_line

ROTATE_BYTES = 32 * 1024 * 1024


class RotatingFile:
    """An append-only file that becomes `<name>.1` when full, so at most two of them exist.

    Several processes of one service may append at once: it is locked per append, and reopened when another turned it.
    """

    def __init__(self, path: Path, limit: int = ROTATE_BYTES) -> None:
        """`limit` in bytes; the folder is created. Raises OSError when it cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._limit = path, limit
        self._file = self._open()

    def append(self, line: bytes) -> None:
        """Append one whole line (newline included). Raises OSError, for example on a full disk."""
        while not self._lock():
            self.close()
            self._file = self._open()
        try:
            size = os.fstat(self._file).st_size
            if size and size + len(line) > self._limit:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))
                full, self._file = self._file, self._open()
                os.close(full)
                fcntl.flock(self._file, fcntl.LOCK_EX)
            view = memoryview(line)
            while view:
                view = view[os.write(self._file, view) :]
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _lock(self) -> bool:
        """Lock the open file; False when the path names another one by now."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False


class SpanFileExporter(SpanExporter):
    """Writes batches of spans to `path`, rotated at `limit` bytes."""

    def __init__(self, path: Path, limit: int = ROTATE_BYTES) -> None:
        self._file: RotatingFile | None = RotatingFile(path, limit)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._file is None:
            return SpanExportResult.FAILURE
        self._file.append(encode(spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """One line of OTLP/JSON (`TracesData`) holding `spans`, grouped by resource and scope."""
    groups: dict[tuple[int, str], tuple[Resource, list[dict[str, Any]]]] = {}
    for span in spans:
        scope = span.instrumentation_scope
        key = (id(span.resource), scope.name if scope else "")
        group = groups.get(key)
        if group is None:
            group = groups[key] = (span.resource, [])
        group[1].append(_span(span))
    resources = [
        {
            "resource": {"attributes": _attributes(resource.attributes)},
            "scopeSpans": [{"scope": {"name": scope}, "spans": encoded}],
        }
        for (_, scope), (resource, encoded) in groups.items()
    ]
    return json_line({"resourceSpans": resources})


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.context
    assert context is not None
    encoded: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,  # OTLP counts from 1, the SDK from 0
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
    }
    if span.parent is not None:
        encoded["parentSpanId"] = f"{span.parent.span_id:016x}"
    if span.status.status_code.value:
        encoded["status"] = {"code": span.status.status_code.value, "message": span.status.description or ""}
    if span.links:
        encoded["links"] = [
            {"traceId": f"{link.context.trace_id:032x}", "spanId": f"{link.context.span_id:016x}"}
            for link in span.links
        ]
    if span.events:
        encoded["events"] = [
            {
                "name": event.name,
                "timeUnixNano": str(event.timestamp),
                "attributes": _attributes(event.attributes or {}),
            }
            for event in span.events
        ]
    return encoded


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"stringValue": value} if type(value) is str else _value(value)}
        for key, value in attributes.items()
    ]


def _value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case None:
            return {}
        case bytes():
            return {"bytesValue": b64encode(value).decode()}
        case Mapping():
            return {"kvlistValue": {"values": _attributes(value)}}
        case Iterable():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}
