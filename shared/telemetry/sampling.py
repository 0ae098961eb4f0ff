"""Which new traces are recorded: all of them while it is calm, under load as many as cost little."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

BURST_SECONDS = 10.0
_DROPPED = SamplingResult(Decision.DROP)


class Bounded(Sampler):
    """At most `per_second` new traces a second of those that `sampler` takes, beyond a burst of ten seconds' worth.

    Each name of a first span has its own allowance, so that a crowd of GETs leaves every calm POST its trace. Names
    are few by OpenTelemetry's rules: of the method or the kind of work, never of an id.
    """

    def __init__(self, sampler: Sampler, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._sampler, self._per_second, self._clock = sampler, per_second, clock
        self._burst = per_second * BURST_SECONDS
        self._left: dict[str, tuple[float, float]] = {}  # name → traces it may still begin, and when that was so

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the bounded sampler decides, or dropped."""
        result = self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        return result if result.decision is Decision.DROP or self._allowed(name) else _DROPPED

    def get_description(self) -> str:
        return f"Bounded{{{self._sampler.get_description()},{self._per_second:g}/s}}"

    def _allowed(self, name: str) -> bool:
        now = self._clock()
        left, since = self._left.get(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._left[name] = (left - allowed, now)
        return allowed
