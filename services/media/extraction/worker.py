"""The process that reads one document: a line of JSON and the bytes on standard input, JSON on standard output."""

import json
import os
import resource
import sys
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

from services.media.extraction.document import ExtractionError
from services.media.extraction.extractor import extract
from services.media.extraction.sniffing import SPEECH
from services.media.extraction.speech import THREADS, Hearing

TOO_MUCH_MEMORY = "Reading the file takes too much memory. Split it, or save its text as txt."


def main() -> None:
    """Reads the request, bounds this process, extracts, answers."""
    request = json.loads(sys.stdin.buffer.readline())
    # Whatever a library prints belongs neither into the answer nor into anybody's log.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    threads = THREADS if request["mime"] in SPEECH else 1
    _bound(request["memory_bytes"], request["seconds"] * threads)
    answer.write(json.dumps(_answer(request, sys.stdin.buffer.read())).encode())
    answer.close()


def _answer(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        return asdict(extract(data, request["mime"], request["filename"], _hearing(request["hearing"])))
    except ExtractionError as error:
        return {"error": type(error).__name__, "reason": str(error)}
    except MemoryError:
        return {
            "error": "Unreadable",
            "reason": TOO_MUCH_MEMORY,
        }


def _hearing(named: dict[str, Any]) -> Hearing:
    packages, model = (Path(named[each]) if named[each] else None for each in ("packages", "model"))
    return Hearing(packages, model, named["minutes"])


def _bound(memory_bytes: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The parent kills in time; this ends the process when the parent itself is gone.
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(seconds) + 5, ceil(seconds) + 5))


if __name__ == "__main__":
    main()
