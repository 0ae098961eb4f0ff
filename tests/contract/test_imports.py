"""The import rules of docs/architecture.md hold, and each of them can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# rule → file with the import that breaks it
FORBIDDEN = {
    "contracts import pydantic and nothing else": [
        ("contracts/registry.py", "import shared.decider"),
        ("contracts/registry.py", "import orjson"),
    ],
    "the kit knows no service": [
        ("shared/decider.py", "import services.auth.api"),
        ("shared/ids.py", "def late() -> None:\n    import services.auth.api"),
    ],
    "the kit knows the envelope, not the events": [
        ("shared/decider.py", "from contracts import registry"),
        ("shared/decider.py", "from contracts.events.auth import UserRegistered"),
    ],
    "no service imports another": [
        ("services/auth/api.py", "from services.media import domain"),
        ("services/media/domain/file.py", "import services.auth.api"),
    ],
    "services know nothing of how they are deployed or tested": [
        ("services/auth/api.py", "import deploy.stack"),
        ("services/auth/api.py", "import tests.sandbox"),
    ],
    "domains import the kit's deciders and ids, the contracts and the standard library": [
        ("services/media/domain/file.py", "import asyncpg"),
        ("services/media/domain/file.py", "import shared.store"),
        ("services/media/domain/file.py", "from services.media import api"),
    ],
    "domains do no input or output, and take time and chance from their commands": [
        ("services/media/domain/file.py", "import time"),
        ("services/media/domain/file.py", "from pathlib import Path"),
    ],
}

HOUSE = {
    "contracts": ["envelope", "registry", "events/auth"],
    "shared": ["decider", "ids", "store"],
    "services": ["auth/api", "media/api", "media/domain/file"],
    "deploy": ["stack"],
}

ALLOWED = {
    "contracts/registry.py": "import json\nimport pydantic\nfrom contracts import envelope\n",
    "shared/decider.py": "import asyncpg\nfrom contracts.envelope import Event\n",
    "services/auth/api.py": "import fastapi\nimport shared.store\nfrom contracts import registry\n",
    "services/media/domain/file.py": "from contracts.events import auth\nfrom shared import decider, ids\n",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on the house in `folder`; the house's own packages go before this one's."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house with the same rooms, where everything is allowed."""
    for package, modules in HOUSE.items():
        for module in modules:
            path = tmp_path / package / f"{module}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    for package in HOUSE:
        for folder in (tmp_path / package, *(found for found in (tmp_path / package).rglob("*") if found.is_dir())):
            (folder / "__init__.py").write_text("")
    for file, text in ALLOWED.items():
        (tmp_path / file).write_text(text)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken(output: str) -> set[str]:
    """The rules that the linter's report calls broken."""
    return {rule.strip() for rule, verdict, _ in (line.partition(" BROKEN") for line in output.splitlines()) if verdict}


def test_the_import_rules_hold() -> None:
    verdict = lint(ROOT)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_every_rule_is_known_to_fail_when_broken() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert {rule["name"] for rule in rules} == set(FORBIDDEN)


def test_what_is_allowed_passes(house: Path) -> None:
    verdict = lint(house)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize(
    ("rule", "file", "statement"),
    [pytest.param(rule, *case, id=f"{case[0]}: {case[1]}") for rule, cases in FORBIDDEN.items() for case in cases],
)
def test_a_forbidden_import_breaks_its_rule(house: Path, rule: str, file: str, statement: str) -> None:
    with (house / file).open("a") as module:
        module.write(f"{statement}\n")
    verdict = lint(house)
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    assert rule in broken(verdict.stdout)
