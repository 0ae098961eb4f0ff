"""Extraction in a process of its own: a document that hangs, crashes or eats memory harms nobody but itself.

One process reads one document and ends. That costs its start (about half a second of one core), and buys that nothing
of one user's document is there when the next one's is read, and that the memory of the libraries is given back.
"""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

from services.media.extraction.document import Empty, Extracted, ExtractionError, Unreadable, UnsupportedType
from services.media.extraction.sniffing import SPEECH
from services.media.extraction.speech import Hearing

CONCURRENCY = 2
MEMORY_BYTES = 1_500_000_000
HEARING_BYTES = 4_000_000_000  # of addresses, of which it uses a tenth for short files
_ROOT = Path(__file__).resolve().parents[3]
_ERRORS: dict[str, type[ExtractionError]] = {
    "Unreadable": Unreadable,
    "UnsupportedType": UnsupportedType,
    "Empty": Empty,
}
_CRASHED = (
    "The file could not be read: reading it failed or took too much memory. Save its text as txt or docx instead."
)

_log = logging.getLogger(__name__)
_limits: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def extract_async(
    data: bytes, mime: str, filename: str | None = None, *, timeout: float = 60.0, hearing: Hearing = Hearing()
) -> Extracted:
    """`extract`, off the event loop, within `timeout` seconds and 1.5 GB, at most two documents at once here.

    Speech has 4 GB, and whoever asks says how many at once. Raises Unreadable (also when a bound is met),
    UnsupportedType, Empty.
    """
    if mime in SPEECH:
        return await _extract_in_process(data, mime, filename, timeout, hearing)
    async with _limits.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(CONCURRENCY)):
        return await _extract_in_process(data, mime, filename, timeout, hearing)


async def _extract_in_process(
    data: bytes, mime: str, filename: str | None, timeout: float, hearing: Hearing
) -> Extracted:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.media.extraction.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        # The reader of a stranger's document is told nothing of this service's secrets.
        env={"PATH": os.defpath, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    request = {
        "mime": mime,
        "filename": filename,
        "memory_bytes": HEARING_BYTES if mime in SPEECH else MEMORY_BYTES,
        "seconds": timeout,
        "hearing": {
            "packages": str(hearing.packages or ""),
            "model": str(hearing.model or ""),
            "minutes": hearing.minutes,
        },
    }
    try:
        async with asyncio.timeout(timeout):
            answer, complaint = await process.communicate(json.dumps(request).encode() + b"\n" + data)
    except TimeoutError as error:
        raise Unreadable(
            f"Reading the file took longer than {timeout:g} seconds. Split it, or save its text as txt."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last_words = complaint[-2000:].decode(errors="replace")
        _log.warning("the document reader ended with %s: %s", process.returncode, last_words)
    return _result(answer)


def _result(answer: bytes) -> Extracted:
    try:
        result = json.loads(answer)
    except ValueError as error:
        raise Unreadable(_CRASHED) from error
    if error_name := result.get("error"):
        raise _ERRORS.get(error_name, Unreadable)(result["reason"])
    return Extracted(**result)
