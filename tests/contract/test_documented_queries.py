"""docs/queries.md names reads and commands that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (?!documented query)([^|]+?) \| ([^|]+) \|$", (ROOT / "docs/queries.md").read_text("utf-8"), re.M
)
PATHS = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))["paths"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def _name(row: tuple[str, str]) -> str:
    return row[0]


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_what_answers_a_documented_query_exists(row: tuple[str, str]) -> None:
    reads = re.findall(r"`GET (/api/v1/[^`?]+)(?:\?([^`=]+)=[^`]*)?`", row[1])
    commands = re.findall(r"`make ([a-z-]+)`", row[1])
    assert reads or commands or "autovacuum" in row[1]
    for path, parameter in reads:
        assert "get" in PATHS[path], f"{path} is not read"
        if parameter:
            assert parameter in {each["name"] for each in PATHS[path]["get"]["parameters"]}
    for command in commands:
        assert command in TARGETS


def test_every_system_is_there() -> None:
    systems = {query.partition(":")[0] for query, _ in ROWS}
    assert systems == {"MorphPost", "MRWA", "Repostr", "Vedfolnir", "Reddit Ghost Publisher"}
