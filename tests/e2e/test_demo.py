"""`make demo` does what README says."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def run_demo(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.demo",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 240)
    return process.returncode, output.decode()


async def test_the_demo_publishes_an_article_and_shows_how() -> None:
    status, said = await run_demo(str(ROOT / "tests" / "samples" / "second.md"))
    assert status == 0, said[-4000:]
    for word in ("platform appropriateness", "were written again", "WorkflowCompleted", "work publish", "JobPublished"):
        assert word in said, word


async def test_a_source_that_is_not_there_is_said() -> None:
    status, said = await run_demo("no-such-article.md")
    assert status == 2
    assert "There is no file no-such-article.md" in said
