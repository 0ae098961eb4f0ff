"""Spans of a service: set up once, opened cheaply, recorded more cheaply still by those who handle events in batches.

`start_span_at` hands finished spans straight to the exporters, at a fraction of what the SDK's live span costs; under a
parent that is not sampled nothing is built at all. Without `setup_tracing` every helper still passes contexts on.
"""

import random
import re
import socket
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception
from types import TracebackType

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import AttributeValue

from shared.security.masking import mask_text
from shared.telemetry.context import (
    CORRELATION_ATTRIBUTE,
    context_from,
    correlation_id,
    current_traceparent,
    format_traceparent,
    parse_traceparent,
)
from shared.telemetry.sampling import Bounded
from shared.telemetry.spanfile import SpanFileExporter

__all__ = [
    "SpanKind",
    "child_of",
    "context_from",
    "current_traceparent",
    "fail",
    "flush",
    "sampled",
    "setup_tracing",
    "shutdown",
    "span",
    "start_span_at",
    "tracer",
]

Attributes = Mapping[str, AttributeValue]

# Small batches: encoding one holds the interpreter for a millisecond or two, so no request feels it.
_BATCH_SPANS, _QUEUE_SPANS, _DELAY_MS = 256, 8192, 1000
_ERROR_CHARACTERS, _ERROR_FRAMES = 500, -20
# Whether a trace is recorded is the last bit of a traceparent of version 00.
_W3C_LENGTH, _EVEN = 55, "02468ace"
_PLAIN = re.compile("(00-(?!0{32})[0-9a-f]{32}-)(?!0{16})[0-9a-f]{16}(-[0-9a-f]{2})")
_SCOPE = InstrumentationScope("presswork")
_SAMPLED = Decision.RECORD_AND_SAMPLE
_UNSET = Status(StatusCode.UNSET)
_NOTHING = NoOpTracer()


@dataclass(frozen=True, slots=True)
class _Tracing:
    provider: TracerProvider
    tracer: trace.Tracer
    sampler: Sampler
    processors: tuple[SpanProcessor, ...]
    resource: Resource


_tracing: _Tracing | None = None


def setup_tracing(
    service: str,
    *,
    traces_dir: Path | None,
    otlp_endpoint: str | None,
    sample_ratio: float = 1.0,
    per_second: float = 20.0,
) -> None:
    """Start recording the spans of `service`: to `<traces_dir>/<service>.jsonl`, to an OTLP/HTTP collector, or both.

    `otlp_endpoint` is the collector's base URL (`http://host:4318`); `sample_ratio` (0 to 1) is the share of new traces
    that is recorded and `per_second` how many of a kind at most (see `Bounded`), while a caller's decision is always
    kept; without any destination nothing is recorded. Spans arrive within about a second; what waits is bounded (8,192
    spans), and the oldest go first when a destination stalls.
    Raises RuntimeError when already set up, OSError when the folder cannot be written.
    """
    global _tracing
    if _tracing is not None:
        raise RuntimeError("tracing is already set up in this process; call shutdown() first")
    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": "presswork",
            "service.version": _version(),
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
        }
    )
    processors: list[SpanProcessor] = []
    if traces_dir is not None:
        processors.append(_batched(SpanFileExporter(traces_dir / f"{service}.jsonl")))
    if otlp_endpoint:
        # Imported only when used: it brings protobuf and an HTTP client into memory.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        processors.append(_batched(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")))
    sampler = ParentBased(Bounded(TraceIdRatioBased(sample_ratio), per_second)) if processors else ALWAYS_OFF
    # Not made the global provider: FastAPI would then add spans of its own, at 150 µs a request.
    provider = TracerProvider(resource=resource, sampler=sampler)
    for processor in processors:
        provider.add_span_processor(processor)
    _tracing = _Tracing(provider, provider.get_tracer(_SCOPE.name), sampler, tuple(processors), resource)


def shutdown() -> None:
    """Write out what is still held and stop recording. Safe to call twice, or without `setup_tracing`."""
    global _tracing
    if _tracing is not None:
        _tracing.provider.shutdown()
        _tracing = None


def flush() -> None:
    """Write out the spans finished so far. Blocks: for tests and for the end of a command."""
    if _tracing is not None:
        _tracing.provider.force_flush()


def tracer() -> trace.Tracer:
    """The tracer of this service, for libraries that ask for one; one that records nothing before `setup_tracing`."""
    return _NOTHING if _tracing is None else _tracing.tracer


class span:
    """`with span("ask the model", kind=SpanKind.CLIENT) as current:`, a span around work, awaited or not.

    Its parent is the span `traceparent` names, else the one that is open. `links` are traceparents of other causes;
    malformed ones are left out. An exception that passes through marks it as failed; a cancellation does not.
    `current.set_attribute(...)` is safe whether it records or not.
    """

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_span", "_token", "_traceparent")

    def __init__(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        traceparent: str | None = None,
        links: Iterable[str | None] = (),
        attributes: Attributes | None = None,
    ) -> None:
        self._name, self._kind, self._traceparent = name, kind, traceparent
        self._links, self._attributes = links, attributes

    def __enter__(self) -> Span:
        parent = parse_traceparent(self._traceparent)
        if parent is None:
            opened = trace.get_current_span()
            parent, inherited = opened.get_span_context(), opened
        else:
            inherited = NonRecordingSpan(parent)
        if _tracing is None or (parent.is_valid and not parent.trace_flags.sampled):
            self._span: Span = NonRecordingSpan(parent) if parent.is_valid else INVALID_SPAN
        else:
            self._span = _tracing.tracer.start_span(
                self._name,
                context=trace.set_span_in_context(inherited, Context()),
                kind=self._kind,
                attributes=_with_correlation(self._attributes),
                links=_links(self._links),
            )
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        otel_context.detach(self._token)
        if isinstance(error, Exception) and self._span.is_recording():
            fail(self._span, error)
        self._span.end()


def fail(failed: Span, error: Exception) -> None:
    """Mark a span as failed by `error`; what it says is masked first."""
    said = mask_text(str(error))[:_ERROR_CHARACTERS]
    trail = mask_text("".join(format_exception(error, limit=_ERROR_FRAMES)))
    failed.add_event(
        "exception",
        {"exception.type": type(error).__qualname__, "exception.message": said, "exception.stacktrace": trail},
    )
    failed.set_attribute("error.type", type(error).__qualname__)
    failed.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {said}"))


def sampled(traceparent: str | None) -> bool:
    """Whether a span under `traceparent` would be recorded: ask before gathering attributes for many; 0.1 µs.

    True for None and for malformed ones, which begin a new trace with a decision of its own.
    """
    return _tracing is not None and (
        traceparent is None or len(traceparent) != _W3C_LENGTH or traceparent[-1] not in _EVEN
    )


def child_of(traceparent: str | None) -> str:
    """A traceparent for a span yet to be recorded, child of `traceparent` or root of a new trace when that is None.

    It can travel on a message before the span that sends it has ended; hand it to `start_span_at(own=...)` then.
    Under a parent that is not sampled it is the parent's own, as nothing will stand between.
    """
    if traceparent is not None and (plain := _PLAIN.fullmatch(traceparent)):
        before, after = plain.groups()
        return traceparent if after[-1] in _EVEN else f"{before}{random.getrandbits(64) or 1:016x}{after}"
    return format_traceparent(_child(parse_traceparent(traceparent), "", SpanKind.INTERNAL))


def start_span_at(
    name: str,
    kind: SpanKind,
    traceparent: str | None,
    attributes: Attributes,
    start_ns: int,
    end_ns: int,
    *,
    own: str | None = None,
    links: Iterable[str | None] = (),
    error: str | None = None,
) -> str | None:
    """Record a span that has already ended and return its traceparent; `start_ns` and `end_ns` are `time.time_ns()`.

    `traceparent` is its parent (None: a new trace), `own` its identity when `child_of` gave one, `error` what failed.
    Under a parent that is not sampled, or without tracing, nothing is recorded: `own` or the parent's is returned.
    """
    tracing = _tracing
    if tracing is None or (traceparent is not None and not sampled(traceparent)):
        return own or traceparent
    parent = parse_traceparent(traceparent)
    context = None if own is None else parse_traceparent(own)
    if context is None:
        context = _child(parent, name, kind)
        own = format_traceparent(context)
    if context.trace_flags.sampled:
        # The processors' public side of a live span's end, without the locks and limits a live span needs.
        finished = ReadableSpan(
            name,
            context,
            parent,
            tracing.resource,
            attributes,
            (),
            _links(links) if links else (),
            kind,
            status=_UNSET if error is None else Status(StatusCode.ERROR, error),
            start_time=start_ns,
            end_time=end_ns,
            instrumentation_scope=_SCOPE,
        )
        for processor in tracing.processors:
            processor.on_end(finished)
    return own


def _child(parent: SpanContext | None, name: str, kind: SpanKind) -> SpanContext:
    """The identity of a new span: in its parent's trace with its parent's decision, or sampled anew."""
    span_id = random.getrandbits(64) or 1
    if parent is not None:
        return SpanContext(parent.trace_id, span_id, False, parent.trace_flags)
    trace_id = random.getrandbits(128) or 1
    tracing = _tracing
    recorded = tracing is not None and tracing.sampler.should_sample(None, trace_id, name, kind).decision is _SAMPLED
    return SpanContext(trace_id, span_id, False, TraceFlags(TraceFlags.SAMPLED if recorded else TraceFlags.DEFAULT))


def _links(traceparents: Iterable[str | None]) -> tuple[Link, ...]:
    return tuple(Link(context) for each in traceparents if (context := parse_traceparent(each)) is not None)


def _with_correlation(attributes: Attributes | None) -> Attributes | None:
    value = correlation_id()
    return attributes if value is None else {CORRELATION_ATTRIBUTE: value, **(attributes or {})}


def _batched(exporter: SpanExporter) -> BatchSpanProcessor:
    return BatchSpanProcessor(
        exporter,
        max_queue_size=_QUEUE_SPANS,
        schedule_delay_millis=_DELAY_MS,
        max_export_batch_size=_BATCH_SPANS,
    )


def _version() -> str:
    """The version of this source tree, or "unknown" where its project file was left behind."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    if not project.is_file():
        return "unknown"
    return str(tomllib.loads(project.read_text())["project"]["version"])
