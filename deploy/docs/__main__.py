"""`python -m deploy.docs` writes the generated documents; with `--check` it only says which are stale.

Schemas and samples of a version are a promise: a schema whose change would break its readers is not written, and a
sample that exists is never written again.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from contracts.committed import file_name, read_schemas, rendered, schema_of
from contracts.compatibility import breaks
from contracts.registry import EVENTS
from deploy.docs.asyncapi import asyncapi
from deploy.docs.catalogue import catalogue
from deploy.docs.hearers import hearings
from deploy.docs.openapi import openapi
from deploy.docs.retention import with_rules
from deploy.docs.samples import sample
from deploy.docs.settings import with_settings
from deploy.schema import committed as schema_files
from deploy.schema import deviations
from deploy.schema.document import document as schema_document
from deploy.schema.snapshot import current as current_schemas

ROOT = Path(__file__).parents[2]


def broken_promises(root: Path = ROOT) -> list[str]:
    """Changes that need a new version, one sentence each."""
    found: list[str] = []
    for (name, version), committed in read_schemas(root / "contracts/schemas").items():
        event = EVENTS.get(name)
        if event is None:
            found.append(f"{name} has version {version} and no model: stored events of it could not be read.")
        elif version == event.schema_version:
            advice = f"raise its schema_version to {version + 1} and add an upcaster"
            found += [
                f"{name} version {version}: {broken}; {advice}." for broken in breaks(committed, schema_of(event))
            ]
        elif version > event.schema_version:
            found.append(f"{name} has a version {version}, newer than its model: never lower a schema_version.")
    return found


def documents(root: Path = ROOT) -> dict[Path, str]:
    """What every generated file should hold."""
    heard = hearings(root / "services")
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = {
        root / "contracts/asyncapi.json": rendered(asyncapi(heard, version)),
        root / "docs/events.md": catalogue(heard),
        root / "docs/openapi.json": rendered(openapi()),
        root / "docs/operations.md": with_rules(with_settings((root / "docs/operations.md").read_text("utf-8"))),
        root / "docs/schema.md": schema_document(
            schema_files.load(schema_files.EXPECTATION), current_schemas().schemas, deviations.load()
        ),
        root / "deploy/schema/snapshot.json": current_schemas().written(),
    }
    for name, event in EVENTS.items():
        file = file_name(name, event.schema_version)
        found[root / "contracts/schemas" / file] = rendered(schema_of(event))
        path = root / "contracts/samples" / file
        found[path] = path.read_text("utf-8") if path.exists() else rendered(sample(event))
    return found


def stale(root: Path = ROOT) -> list[Path]:
    """The generated files that are missing or differ from what they should hold."""
    return [
        path.relative_to(root)
        for path, text in documents(root).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Exit status: 0 when all is current, 1 when a file is stale or a version would break its readers."""
    parser = argparse.ArgumentParser(prog="python -m deploy.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when a file is stale")
    check: bool = parser.parse_args(arguments).check
    if broken := broken_promises(root):
        print(*broken, sep="\n", file=sys.stderr)
        return 1
    changed = stale(root)
    if check:
        for path in changed:
            print(f"{path} is stale: run `make docs`.", file=sys.stderr)
        return 1 if changed else 0
    wanted = documents(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[root / path], "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
