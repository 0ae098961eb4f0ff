"""Spans: who is whose parent, what is sampled, what reaches the file."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry import trace
from opentelemetry.util.types import AttributeValue

from shared.telemetry import tracing
from shared.telemetry.context import bind_correlation, context_from, parse_traceparent, unbind_correlation
from shared.telemetry.spanfile import RotatingFile
from shared.telemetry.tracing import SpanKind, child_of, current_traceparent, sampled, span, start_span_at

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Path]:
    tracing.setup_tracing("writer", traces_dir=tmp_path, otlp_endpoint=None)
    yield tmp_path
    tracing.shutdown()


def spans_in(folder: Path) -> dict[str, dict[str, Any]]:
    tracing.flush()
    batches = [orjson.loads(line) for line in (folder / "writer.jsonl").read_bytes().splitlines()]
    scopes = [scope for batch in batches for resource in batch["resourceSpans"] for scope in resource["scopeSpans"]]
    return {each["name"]: each for scope in scopes for each in scope["spans"]}


def test_a_span_is_the_child_of_the_open_one_or_of_the_one_named(traces: Path) -> None:
    with span("outer", traceparent=SAMPLED, kind=SpanKind.CONSUMER):
        with span("inner"):
            pass
        with span("elsewhere", traceparent=f"00-{'1' * 32}-{'2' * 16}-01"):
            pass
    spans = spans_in(traces)
    assert (spans["outer"]["traceId"], spans["outer"]["parentSpanId"], spans["outer"]["kind"]) == (
        TRACE,
        "b7ad6b7169203331",
        5,
    )
    assert spans["inner"]["parentSpanId"] == spans["outer"]["spanId"]
    assert (spans["elsewhere"]["traceId"], spans["elsewhere"]["parentSpanId"]) == ("1" * 32, "2" * 16)


def test_a_finished_span_carries_its_times_links_error_and_the_identity_given_before(traces: Path) -> None:
    own = child_of(SAMPLED)
    cause = f"00-{'3' * 32}-{'4' * 16}-01"
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "n": 7,
        "ratio": 0.5,
        "ok": True,
        "many": ["a", "b"],
    }
    returned = start_span_at(
        "send x",
        SpanKind.PRODUCER,
        SAMPLED,
        attributes,
        1000,
        2000,
        own=own,
        links=[cause, "junk", None],
        error="refused",
    )
    recorded = spans_in(traces)["send x"]
    assert returned == own == f"00-{recorded['traceId']}-{recorded['spanId']}-01"
    assert (recorded["startTimeUnixNano"], recorded["endTimeUnixNano"]) == ("1000", "2000")
    assert recorded["links"] == [{"traceId": "3" * 32, "spanId": "4" * 16}]
    assert recorded["status"] == {"code": 2, "message": "refused"}
    assert {each["key"]: each["value"] for each in recorded["attributes"]} == {
        "messaging.system": {"stringValue": "kafka"},
        "n": {"intValue": "7"},
        "ratio": {"doubleValue": 0.5},
        "ok": {"boolValue": True},
        "many": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}},
    }


def test_a_callers_decision_not_to_sample_is_kept_and_handed_on(traces: Path) -> None:
    with span("silent", traceparent=UNSAMPLED):
        inside = current_traceparent()
        with span("silent too"):
            pass
    assert inside == UNSAMPLED
    assert child_of(UNSAMPLED).startswith(f"00-{TRACE}-")
    assert child_of(UNSAMPLED).endswith("-00")
    assert start_span_at("silent three", SpanKind.CONSUMER, UNSAMPLED, {}, 1, 2) == UNSAMPLED
    with span("heard"):
        pass
    assert set(spans_in(traces)) == {"heard"}


def test_a_ratio_of_zero_records_no_new_trace_but_keeps_the_callers(tmp_path: Path) -> None:
    tracing.setup_tracing("writer", traces_dir=tmp_path, otlp_endpoint=None, sample_ratio=0.0)
    try:
        with span("root"):
            handed_on = current_traceparent()
        assert handed_on is not None
        assert not sampled(handed_on)
        assert not sampled(child_of(None))
        with span("called", traceparent=SAMPLED):
            pass
        assert set(spans_in(tmp_path)) == {"called"}
    finally:
        tracing.shutdown()


def test_an_exception_marks_the_span_without_its_secrets_and_a_cancellation_does_not(traces: Path) -> None:
    with pytest.raises(ValueError, match="token"), span("broken"):
        raise ValueError("token=abcdef0123456789")
    with pytest.raises(asyncio.CancelledError), span("cancelled"):
        raise asyncio.CancelledError
    spans = spans_in(traces)
    assert spans["broken"]["status"]["code"] == 2
    assert spans["broken"]["events"][0]["name"] == "exception"
    assert "abcdef0123456789" not in str(spans["broken"])
    assert "status" not in spans["cancelled"]


def test_spans_carry_the_correlation_id_of_their_work(traces: Path) -> None:
    with span("before"):
        token = bind_correlation("story-1")
        with span("within"):
            pass
        unbind_correlation(token)
        with span("after"):
            pass
    spans = spans_in(traces)
    story = [{"key": "presswork.correlation_id", "value": {"stringValue": "story-1"}}]
    assert (spans["before"]["attributes"], spans["within"]["attributes"], spans["after"]["attributes"]) == (
        story,
        story,
        [],
    )


def test_without_set_up_contexts_are_still_handed_on() -> None:
    with span("nowhere", traceparent=SAMPLED) as nothing:
        assert not nothing.is_recording()
        assert current_traceparent() == SAMPLED
    assert current_traceparent() is None
    assert start_span_at("nowhere", SpanKind.CONSUMER, SAMPLED, {}, 1, 2) == SAMPLED


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "",
        "00-",
        "0" * 55,
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"ff-{TRACE}-{'1' * 16}-01",
        f"00-{TRACE.upper()}-{'1' * 16}-01",
    ],
)
def test_a_malformed_traceparent_is_no_parent(junk: str | None) -> None:
    assert parse_traceparent(junk) is None
    assert not trace.get_current_span(context_from(junk)).get_span_context().is_valid


def test_a_traceparent_of_a_later_version_is_understood() -> None:
    assert parse_traceparent(f"01-{TRACE}-{'1' * 16}-01-more") is not None


def test_the_file_turns_when_full_and_two_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "writer.jsonl"
    file = RotatingFile(path, limit=100)
    for number in range(10):
        file.append(b"%02d" % number + b"x" * 37 + b"\n")
    file.close()
    kept = [
        line[:2] for name in ("writer.jsonl.1", "writer.jsonl") for line in (tmp_path / name).read_bytes().splitlines()
    ]
    assert kept == [b"06", b"07", b"08", b"09"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["writer.jsonl", "writer.jsonl.1"]


def test_processes_that_share_a_file_lose_no_line_when_it_turns(tmp_path: Path) -> None:
    path, writers, each = tmp_path / "writer.jsonl", 3, 200
    # Three quarters of a turn: the file turns once, whoever does it, and nothing may be missing from the two.
    limit = writers * each * 20 * 3 // 4
    children = []
    for writer in range(writers):
        child = os.fork()
        if child == 0:
            file = RotatingFile(path, limit)
            for number in range(each):
                file.append(b"%d %04d %s\n" % (writer, number, b"x" * 12))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * writers
    lines = [
        line for name in ("writer.jsonl.1", "writer.jsonl") for line in (tmp_path / name).read_bytes().splitlines()
    ]
    expected = [b"%d %04d %s" % (writer, number, b"x" * 12) for writer in range(writers) for number in range(each)]
    assert sorted(lines) == expected
