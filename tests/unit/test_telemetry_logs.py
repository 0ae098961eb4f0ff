"""Lines of the log: one JSON object each, with their trace and story, without secrets, whoever wrote them."""

import io
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shared.telemetry.context import bind_correlation, unbind_correlation
from shared.telemetry.logs import _LEVELS, _OWN_HANDLER, setup_logging
from shared.telemetry.tracing import span

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    setup_logging("generation", "json", "INFO", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in (*_LEVELS, *_OWN_HANDLER):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_when_who_what_and_in_which_story(out: io.StringIO) -> None:
    before = datetime.now(UTC)
    token = bind_correlation("story-1")
    with span("work", traceparent=TRACEPARENT):
        logging.getLogger("services.generation").info("wrote %d drafts", 3, extra={"platform": "x", "n": 3})
    unbind_correlation(token)
    (line,) = lines(out)
    assert before <= datetime.fromisoformat(line.pop("timestamp")) <= datetime.now(UTC)
    assert line == {
        "level": "info",
        "logger": "services.generation",
        "service": "generation",
        "message": "wrote 3 drafts",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "correlation_id": "story-1",
        "platform": "x",
        "n": 3,
    }


def test_no_secret_gets_into_a_line_by_message_field_or_exception(out: io.StringIO) -> None:
    try:
        raise PermissionError("Authorization: Bearer abcdefghijklmnop")
    except PermissionError:
        logging.getLogger("x").exception(
            "log-in of ann@example.org", extra={"api_key": "k-123", "nested": {"password": "p-456"}}
        )
    (line,) = lines(out)
    assert line["exception"].startswith("Traceback")
    for secret in ("abcdefghijklmnop", "ann@example.org", "k-123", "p-456"):
        assert secret not in out.getvalue()


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvicorn.error", "aiokafka.consumer", "asyncpg", "alembic.runtime.migration", "faststream"]
)
def test_the_lines_of_libraries_come_out_the_same_way_once(out: io.StringIO, name: str) -> None:
    logging.getLogger(name).error("something")
    assert [(line["logger"], line["message"]) for line in lines(out)] == [(name, "something")]


def test_faststream_keeps_to_our_format(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    from faststream._internal.context.repository import ContextRepo
    from faststream._internal.logger.logging import get_broker_logger

    monkeypatch.setattr("sys.stdout", out)
    logger = get_broker_logger("kafka", {}, 10, "%(message)s", ContextRepo(), logging.INFO)
    logger.error("broker lost")
    assert [line["message"] for line in lines(out)] == ["broker lost"]


def test_what_nobody_reads_is_not_written(out: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info("GET /livez 200")
    logging.getLogger("services").debug("detail")
    assert lines(out) == []


def test_warnings_and_values_json_does_not_know_are_lines_too(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    logging.getLogger("x").info(
        "odd \udcff", extra={"what": object(), "huge": 2**70, "bytes": b"\xff", "map": {1: {2}}}
    )
    assert [line["logger"] for line in lines(out)] == ["py.warnings", "x"]


def test_a_person_reads_a_plain_line(out: io.StringIO) -> None:
    stream = io.StringIO()
    setup_logging("generation", "console", "DEBUG", stream)
    logging.getLogger("x").debug("wrote %d", 3, extra={"platform": "x"})
    assert stream.getvalue().endswith("DEBUG   generation x: wrote 3 platform=x\n")
