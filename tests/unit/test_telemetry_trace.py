"""A story told from span files: every service, every linked trace, quickly, and a clear sentence when there is none."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from shared.telemetry import tracing
from shared.telemetry.spanfile import ROTATE_BYTES
from shared.telemetry.trace import render
from shared.telemetry.tracefiles import MAX_LINKED_TRACES, find_story
from shared.telemetry.tracing import SpanKind, start_span_at

STORY = "0199a0f0-1111-7222-8333-444455556666"


def record(folder: Path, service: str, name: str, parent: str | None, at_ms: int, **given: object) -> str:
    """Record one span of 10 ms, as that service would, and return its traceparent."""
    tracing.setup_tracing(service, traces_dir=folder, otlp_endpoint=None)
    try:
        attributes = {"presswork.correlation_id": STORY} if given.pop("story", True) else {}
        if (message := given.pop("message", None)) is not None:
            attributes["messaging.message.id"] = str(message)
        start = 1_700_000_000_000_000_000 + at_ms * 1_000_000
        kind = given.pop("kind", SpanKind.INTERNAL)
        made = start_span_at(name, kind, parent, attributes, start, start + 10_000_000, **given)  # type: ignore[arg-type]
        assert made is not None
        return made
    finally:
        tracing.shutdown()


def lines_of(wanted: str, folder: Path) -> list[str]:
    console = Console(width=160, color_system=None)
    with console.capture() as capture:
        console.print(render(wanted, folder))
    return capture.get().splitlines()


@pytest.fixture
def story(tmp_path: Path) -> tuple[Path, str]:
    """Two requests and a batch: the review is a trace of its own, the consumer's batch only links to what it heard."""
    start = record(tmp_path, "gateway", "POST /api/v1/workflows", None, 0, kind=SpanKind.SERVER)
    sent = record(tmp_path, "workflow", "send presswork.workflow", start, 2, kind=SpanKind.PRODUCER)
    record(tmp_path, "generation", "process DraftRequested", sent, 5, kind=SpanKind.CONSUMER, error="no [model]")
    record(tmp_path, "evaluation", "process batch", None, 7, kind=SpanKind.CONSUMER, links=[sent], story=False)
    record(tmp_path, "gateway", "POST /api/v1/workflows/{id}/reviews", None, 500, kind=SpanKind.SERVER)
    record(tmp_path, "gateway", "GET /other", None, 3, kind=SpanKind.SERVER, story=False)
    return tmp_path, start


def test_a_trace_is_a_tree_across_services_with_links_followed(story: tuple[Path, str]) -> None:
    folder, start = story
    title, *tree = lines_of(start[3:35], folder)
    assert title.startswith(f"trace {start[3:35]}  4 spans, 4 services, 17.0 ms, 2 traces, 1 failed")
    assert tree == [
        "└── gateway  POST /api/v1/workflows  server  10.0 ms  +0 µs",
        "    ├── generation  process DraftRequested  consumer  10.0 ms  +5.0 ms"
        "  3.0 ms after workflow sent it  ✗ no [model]",
        "    └── ↪ evaluation  process batch  consumer  10.0 ms  +7.0 ms  5.0 ms after workflow sent it",
    ]


def test_a_traceparent_or_a_story_id_with_or_without_hyphens_will_do(story: tuple[Path, str]) -> None:
    folder, start = story
    assert lines_of(start, folder) == lines_of(start[3:35], folder)
    whole = lines_of(STORY, folder)
    assert whole == lines_of(STORY.replace("-", ""), folder)
    assert "5 spans, 4 services" in whole[0]
    assert any("POST /api/v1/workflows/{id}/reviews" in line for line in whole)
    assert not any("GET /other" in line for line in whole)


def test_a_batch_is_traced_back_to_what_it_heard(story: tuple[Path, str]) -> None:
    folder, start = story
    batch = next(span for span in find_story(start, folder).spans if span.name == "process batch")
    assert lines_of(batch.trace_id, folder)[1:] == lines_of(start, folder)[1:]


def test_what_was_sent_and_processed_under_one_parent_is_told_as_one_step(tmp_path: Path) -> None:
    start = record(tmp_path, "workflow", "POST /x", None, 0)
    for place, (event, group) in enumerate((("e-1", "generation"), ("e-1", "media"), ("e-2", "generation"))):
        sent_at = 10 if event == "e-1" else 40
        if place != 1:
            record(tmp_path, "workflow", f"send {event}", start, sent_at, kind=SpanKind.PRODUCER, message=event)
        record(tmp_path, group, f"process {event}", start, 20 + place * 20, kind=SpanKind.CONSUMER, message=event)
    assert [line[3:].strip("─ ") for line in lines_of(start, tmp_path)[2:]] == [
        "├── generation  process e-1  consumer  10.0 ms  +20.0 ms  10.0 ms after workflow sent it",
        "├── media  process e-1  consumer  10.0 ms  +40.0 ms  30.0 ms after workflow sent it",
        "└── generation  process e-2  consumer  10.0 ms  +60.0 ms  20.0 ms after workflow sent it",
    ]


def test_an_event_nobody_heard_and_one_that_was_not_sent_are_shown(tmp_path: Path) -> None:
    start = record(tmp_path, "workflow", "POST /x", None, 0)
    record(tmp_path, "workflow", "send unheard", start, 1, kind=SpanKind.PRODUCER)
    lost = record(tmp_path, "workflow", "send refused", start, 2, kind=SpanKind.PRODUCER, error="no broker")
    record(tmp_path, "workflow", "send again", lost, 3, kind=SpanKind.PRODUCER)
    assert [line.split("workflow  ")[1].split("  ")[0] for line in lines_of(start, tmp_path)[1:]] == [
        "POST /x",
        "send unheard",
        "send refused",
        "send again",
    ]


def test_links_are_followed_so_far_and_no_further(tmp_path: Path) -> None:
    causes = [record(tmp_path, "writer", f"cause {n}", None, n) for n in range(MAX_LINKED_TRACES + 5)]
    batch = record(tmp_path, "reader", "process batch", None, 99, links=causes)
    assert "5 more linked traces are not shown" in lines_of(batch, tmp_path)[-1]
    assert len(find_story(batch, tmp_path).spans) == 1 + MAX_LINKED_TRACES


def test_links_in_a_circle_and_lost_parents_still_make_a_tree(tmp_path: Path) -> None:
    one, two = tracing.child_of(None), tracing.child_of(None)
    one, two = f"00-{'1' * 32}-{'a' * 16}-01", f"00-{'2' * 32}-{'b' * 16}-01"
    record(tmp_path, "a", "one", f"00-{'1' * 32}-{'e' * 16}-01", 1, own=one, links=[two])
    record(tmp_path, "b", "two", f"00-{'2' * 32}-{'f' * 16}-01", 2, own=two, links=[one])
    drawn = lines_of(one, tmp_path)
    assert [sum(name in line for line in drawn) for name in ("one", "two")] == [1, 1]


def test_nothing_found_is_a_sentence_and_a_failure(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shared.telemetry.trace"]
    for wanted, folder in (("f" * 32, tmp_path), ("no-such-story", tmp_path / "nowhere")):
        done = subprocess.run([*command, wanted, "--dir", str(folder)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        assert done.stderr.startswith(f"No span of '{wanted}' was found in")
        assert "Traceback" not in done.stderr


def test_the_command_prints_the_tree(story: tuple[Path, str]) -> None:
    folder, _ = story
    command = [sys.executable, "-m", "shared.telemetry.trace", STORY]
    environment = {**os.environ, "PRESSWORK_TRACES_DIR": str(folder)}
    by_option = subprocess.run([*command, "--dir", str(folder)], capture_output=True, text=True, timeout=30)
    by_variable = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)
    assert (by_option.returncode, by_option.stdout) == (0, by_variable.stdout)
    assert "generation  process DraftRequested  consumer" in by_option.stdout


def test_torn_and_empty_files_are_passed_over(story: tuple[Path, str]) -> None:
    folder, start = story
    whole = lines_of(start, folder)
    (folder / "empty.jsonl").touch()
    with (folder / "gateway.jsonl").open("ab") as file:
        file.write(b'{"resourceSpans":[{"resource":{"traceId":"' + start[3:35].encode())
    assert lines_of(start, folder) == whole


def test_full_files_are_searched_in_a_moment(story: tuple[Path, str]) -> None:
    folder, start = story
    line = (
        (folder / "workflow.jsonl")
        .read_bytes()
        .replace(start[3:35].encode(), b"9" * 32)
        .replace(b"0199a0f0", b"deadbeef")
    )
    for name in ("media.jsonl", "media.jsonl.1"):
        (folder / name).write_bytes(line * (ROTATE_BYTES // len(line)))
    began = time.process_time()
    story_found = find_story(STORY, folder)
    assert time.process_time() - began < 5
    assert len(story_found.spans) == 5
