"""Every trace of a calm service is recorded; of a crowd, a bounded number."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision

from shared.telemetry import tracing
from shared.telemetry.sampling import BURST_SECONDS, Bounded
from shared.telemetry.tracing import child_of, sampled


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def kept(sampler: Bounded, name: str, times: int) -> int:
    decisions = [sampler.should_sample(None, number + 1, name).decision for number in range(times)]
    return decisions.count(Decision.RECORD_AND_SAMPLE)


def test_a_burst_is_recorded_whole_and_then_as_much_as_comes_back() -> None:
    clock = Clock()
    sampler = Bounded(ALWAYS_ON, 20, clock)
    burst = int(20 * BURST_SECONDS)
    assert kept(sampler, "POST", burst + 50) == burst
    clock.now += 0.5
    assert kept(sampler, "POST", 50) == 10
    clock.now += 3600
    assert kept(sampler, "POST", burst + 50) == burst


def test_a_calm_service_records_every_trace() -> None:
    clock = Clock()
    sampler = Bounded(ALWAYS_ON, 20, clock)
    for _ in range(2000):
        assert kept(sampler, "POST", 1) == 1
        clock.now += 0.05


def test_a_crowd_of_reads_takes_no_write_its_trace() -> None:
    sampler = Bounded(ALWAYS_ON, 1, Clock())
    assert kept(sampler, "GET", 1000) == BURST_SECONDS
    assert kept(sampler, "POST", 1) == 1


def test_what_the_share_leaves_out_uses_up_nothing() -> None:
    sampler = Bounded(ALWAYS_OFF, 1, Clock())
    assert kept(sampler, "GET", 100) == 0
    assert "1/s" in sampler.get_description()


def test_a_callers_trace_is_recorded_whatever_the_crowd(tmp_path: Path) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    tracing.setup_tracing("crowded", traces_dir=tmp_path, otlp_endpoint=None, per_second=1)
    try:
        new = [sampled(child_of(None)) for _ in range(100)]
        assert new.count(True) == BURST_SECONDS
        assert all(sampled(child_of(parent)) for _ in range(100))
    finally:
        tracing.shutdown()
