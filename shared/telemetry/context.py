"""What a unit of work carries along: the trace it belongs to (W3C traceparent) and the correlation id of its story."""

import re
from contextvars import ContextVar, Token

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

CORRELATION_ATTRIBUTE = "presswork.correlation_id"

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_correlation: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str | None:
    """The correlation id of the work at hand, or None outside of any."""
    return _correlation.get()


def bind_correlation(value: str | None) -> Token[str | None]:
    """Set the correlation id for logs and spans of this task from here on, and on the span that is open now.

    Hand the returned token to `unbind_correlation` when the unit of work ends.
    """
    if value is not None:
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attribute(CORRELATION_ATTRIBUTE, value)
    return _correlation.set(value)


def unbind_correlation(token: Token[str | None]) -> None:
    """Restore what `bind_correlation` replaced."""
    _correlation.reset(token)


def parse_traceparent(traceparent: str | None) -> SpanContext | None:
    """The span a W3C `traceparent` names, or None when there is none or it is malformed (a bad header is no error)."""
    if traceparent is None or (found := _TRACEPARENT.fullmatch(traceparent)) is None:
        return None
    trace_id, span_id, flags = found.groups()
    context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    return context if context.is_valid else None


def format_traceparent(context: SpanContext) -> str:
    """The W3C `traceparent` (55 characters) of a span."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_traceparent() -> str | None:
    """The `traceparent` of the open span, or None; sampled or not, so that one decision holds downstream."""
    context = trace.get_current_span().get_span_context()
    return format_traceparent(context) if context.is_valid else None


def context_from(traceparent: str | None) -> Context:
    """An OpenTelemetry context in which the named span is the current one; empty (a new trace begins) without one."""
    parent = parse_traceparent(traceparent)
    return Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
