"""Extraction in a process of its own: the same results, bounds that hold, and nothing left running."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from services.media.extraction import Empty, Unreadable, UnsupportedType, extract, extract_async, isolation
from services.media.extraction.sniffing import DOCX, HTML, MARKDOWN, PDF, PLAIN
from tests.samples.documents import make


def children() -> set[int]:
    """The processes that this one has started and that still run."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def environment_of(pids: set[int]) -> str:
    """The environment of the only process given, empty while there is none."""
    return "".join(Path(f"/proc/{pid}/environ").read_text() for pid in pids)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(make.markdown(), MARKDOWN), (make.html(), HTML), (make.pdf(), PDF), (make.word(), DOCX), (make.plain(), PLAIN)],
)
async def test_the_result_is_that_of_extract(data: bytes, kind: str) -> None:
    assert await extract_async(data, kind, "a") == extract(data, kind, "a")


async def test_errors_arrive_as_they_are() -> None:
    with pytest.raises(Unreadable, match="password"):
        await extract_async(make.encrypted_pdf(), PDF)
    with pytest.raises(UnsupportedType):
        await extract_async(b"x", "image/png")
    with pytest.raises(Empty):
        await extract_async(b"", PLAIN)


async def test_a_document_that_takes_too_long_is_given_up_and_its_process_is_gone() -> None:
    before = children()
    with pytest.raises(Unreadable, match=r"longer than 0\.05 seconds"):
        await extract_async(make.html(), HTML, timeout=0.05)
    assert children() <= before


async def test_a_cancelled_extraction_leaves_no_process() -> None:
    before = children()
    task = asyncio.create_task(extract_async(make.html() * 200, HTML))
    async with asyncio.timeout(30):
        while children() <= before:  # noqa: ASYNC110 - the system tells nobody when a process starts
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() <= before


@pytest.mark.parametrize("bound", [150_000_000, 260_000_000])  # the first is met by Python, the second by the parser
async def test_a_document_that_eats_memory_is_refused_without_harm(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "MEMORY_BYTES", bound)
    with pytest.raises(Unreadable, match="memory"):
        await extract_async(make.html() + b"<p>x</p>" * 2_000_000, HTML)


async def test_a_pdf_bomb_is_refused() -> None:
    with pytest.raises((Unreadable, Empty)):
        await extract_async(make.pdf_bomb(1000), PDF)


async def test_the_reader_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSWORK_SECRET", "hunter2")
    before = children()
    task = asyncio.create_task(extract_async(make.html(), HTML))
    async with asyncio.timeout(30):
        # Between fork and exec the child still shows its parent's environment.
        while "PYTHONUTF8" not in (environment := environment_of(children() - before)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert "hunter2" not in environment
    await task


async def test_the_event_loop_stays_free_and_no_more_than_two_processes_run() -> None:
    before = children()
    most = 0
    reading = asyncio.gather(*(extract_async(make.markdown(), MARKDOWN) for _ in range(6)))
    while not reading.done():
        most = max(most, len(children() - before))
        await asyncio.sleep(0.001)
    assert len(set(await reading)) == 1
    assert 1 <= most <= isolation.CONCURRENCY
    assert os.getpid() not in children()
