"""`python -m deploy.schema check|expect`: is the database what the documents say?

`check` compares the database of --dsn (default: PRESSWORK_POSTGRES_URL) with the committed expectation and exits with
1 where they differ without a reason. `expect FOLDER` reads the documents in FOLDER and commits what they ask.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.markup import escape

from deploy.schema import committed, deviations, documents, live, report
from deploy.schema.compare import compare
from deploy.schema.health import ailments

DOCUMENTS = Path(__file__).parents[2].parent / "shared" / "seeds"


def check(dsn: str, console: Console) -> int:
    """Compare and print. Exit status: 0 when all differences have their reasons."""
    schemas = asyncio.run(live.read_all(dsn))
    facts = list(compare(committed.load(committed.EXPECTATION), schemas))
    verdict = deviations.judge(facts, deviations.load())
    faults = list(ailments(schemas))
    report.show(console, facts, verdict, faults)
    return 1 if verdict.unexplained or verdict.stale or faults else 0


def expect(folder: Path, console: Console) -> int:
    """Read the documents and write the expectation."""
    found = documents.read_all(folder)
    committed.EXPECTATION.write_text(found.written(), "utf-8")
    tables = sum(len(schema.tables) for schema in found.schemas.values())
    console.print(f"{tables} tables of {len(found.schemas)} documents are expected")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.schema", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="compare a database with the documents")
    checking.add_argument("--dsn", default=os.environ.get("PRESSWORK_POSTGRES_URL"), help="of the database")
    expecting = commands.add_parser("expect", help="read the documents anew")
    expecting.add_argument("folder", nargs="?", type=Path, default=DOCUMENTS)
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    problems = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        if chosen.command == "expect":
            return expect(chosen.folder, console)
        if not chosen.dsn:
            problems.print("Say which database: --dsn, or PRESSWORK_POSTGRES_URL; `make check-schema` does.")
            return 2
        return check(chosen.dsn, console)
    except FileNotFoundError as error:
        problems.print(f"[bold red]not found:[/] {escape(str(error.filename))}")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problems.print(f"[bold red]The database could not be read:[/] {escape(str(error) or type(error).__name__)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
