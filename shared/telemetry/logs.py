"""Logs as one JSON object a line, each with the trace and the story it belongs to, secrets masked.

The standard library's logging is the one door, so lines of uvicorn, aiokafka, FastStream, asyncpg and Alembic come out
the same way as ours. Own fields go through `extra={"topic": ...}`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from opentelemetry import trace

from shared.security.masking import mask, mask_text
from shared.telemetry.context import correlation_id
from shared.telemetry.jsonlines import json_line

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}
# Libraries that bring handlers of their own, or say more than anybody reads.
_LEVELS = {
    "uvicorn": "INFO",
    "uvicorn.error": "INFO",
    "uvicorn.access": "WARNING",
    "aiokafka": "WARNING",
    "aiohttp.access": "WARNING",
    "asyncio": "WARNING",
    "asyncpg": "WARNING",
    "alembic": "INFO",
    "sqlalchemy.engine": "WARNING",
    "httpx": "WARNING",
    "faststream": "WARNING",
}
# FastStream adds a coloured handler and stops propagation unless one for the same stream is there already.
_OWN_HANDLER = ("faststream", "faststream.access", "faststream.access.kafka")


def setup_logging(
    service: str, fmt: Literal["json", "console"] = "json", level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Send every logger of the process to `stream` (standard output) in one format; call it again to change it.

    `level` is a name such as "INFO" and holds for our own loggers; libraries are held at their own, quieter, levels.
    Raises ValueError on an unknown level.
    """
    # No line names thread, process or caller: the logging how-to gives these switches to save their cost.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(service) if fmt == "json" else ConsoleFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.getLevelNamesMapping()[quiet], root.level))
    for name in _OWN_HANDLER:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    logging.captureWarnings(True)


class JsonFormatter(logging.Formatter):
    """One JSON object: timestamp (ISO 8601, UTC), level, logger, service, message, trace and correlation id, extras."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "service": self._service,
            "message": mask_text(record.getMessage()),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
            line["span_id"] = f"{context.span_id:016x}"
        if (correlation := correlation_id()) is not None:
            line["correlation_id"] = correlation
        for key, value in extras(record).items():
            line.setdefault(key, value)
        if record.exc_info:
            line["exception"] = mask_text(self.formatException(record.exc_info))
        return json_line(line)[:-1].decode()


class ConsoleFormatter(logging.Formatter):
    """For a person at a terminal: time, level, service, message, extras as key=value."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        own = "".join(f" {key}={value}" for key, value in extras(record).items())
        text = f"{time} {record.levelname:<7} {self._service} {record.name}: {mask_text(record.getMessage())}{own}"
        return f"{text}\n{mask_text(self.formatException(record.exc_info))}" if record.exc_info else text


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """The masked fields that were given through `extra`."""
    given = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
    masked: dict[str, Any] = mask(given) if given else given
    return masked
