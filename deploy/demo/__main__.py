"""python -m deploy.demo [path-or-url]"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from deploy.demo import show
from deploy.demo.client import Client, Refused
from deploy.demo.story import Story
from deploy.embedded.stack import Stack, StackFailed
from services.generation.engines.provenance import provenance
from shared.telemetry.trace import render
from tests.sandbox import server as sandbox

ARTICLE = Path(__file__).resolve().parents[2] / "tests" / "samples" / "article.md"


async def _main_job(source: str, data_dir: Path) -> None:
    began = time.monotonic()
    show.step("Start PostgreSQL, a Kafka broker and seven services")
    async with sandbox.running() as platforms:
        stack = Stack(
            data_dir,
            port=0,
            supervise=False,
            say=lambda line: show.note(f"[dim]{line}"),
            env={"publishing": {"PRESSWORK_X_URL": platforms, "PRESSWORK_LINKEDIN_URL": platforms}},
        )
        try:
            await asyncio.to_thread(stack.start)
            show.note(f"ready after {time.monotonic() - began:.1f} s at {stack.urls['gateway']}")
            async with Client(stack.urls["gateway"]) as client:
                story = Story(client, provenance)
                await story.tell(source)
                show.step("The trace of the whole story")
                await asyncio.sleep(1.5)  # spans reach their files within about a second
                show.console.print(render(story.workflow_id, data_dir / "traces"))
                show.step("The event history of the workflow, in all services")
                await story.show_history()
        finally:
            show.note("[dim]stopping")
            await asyncio.to_thread(stack.stop)
    show.console.print(f"\n[bold green]Done[/] in {time.monotonic() - began:.0f} s.")


def main() -> int:
    """Run the demo; exit status 1 when the platform did not do its job, 2 for a source that is not there."""
    parser = argparse.ArgumentParser(prog="make demo", description="The main job on an article.")
    parser.add_argument("source", nargs="?", default=str(ARTICLE), help="md, txt, html, pdf, docx, or a URL")
    source: str = parser.parse_args().source
    if not source.startswith(("http://", "https://")) and not Path(source).is_file():
        show.console.print(
            f"[red]There is no file {source}. Give the path of a md, txt, html, pdf or docx file, or a URL."
        )
        return 2
    data_dir = Path(tempfile.mkdtemp(prefix="presswork-demo-"))
    try:
        asyncio.run(_main_job(source, data_dir))
    except (Refused, StackFailed, TimeoutError, aiohttp.ClientError) as error:
        show.console.print(f"\n[bold red]The demo failed:[/] {error or type(error).__name__}")
        show.console.print(f"The services' logs are in {data_dir / 'logs'}.")
        return 1
    except KeyboardInterrupt:
        return 130
    _remove(data_dir)
    return 0


def _remove(data_dir: Path) -> None:
    from deploy.embedded.postgres import EmbeddedPostgres

    EmbeddedPostgres(data_dir / "postgres").destroy()
    shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
