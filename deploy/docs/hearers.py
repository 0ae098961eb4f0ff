"""Who hears which event, read from the services' source without running it.

A service hears an event when one of its modules hands it to `on` (shared.reactions) or `projects` (shared.projection).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.registry import EVENTS

MARKS = {("shared.reactions", "on"): "reacts", ("shared.projection", "projects"): "shows"}


class UnreadableMark(ValueError):
    """A mark names something that is no event, so the catalogue could not tell the truth."""


@dataclass(frozen=True, slots=True, order=True)
class Hearing:
    """One service does one thing with one event: `reacts` to it or `shows` it in a read table."""

    event: str
    service: str
    how: str


def hearings(services: Path) -> list[Hearing]:
    """Every hearing below a folder of services, sorted. Raises UnreadableMark with file and line."""
    found = {
        Hearing(event, path.relative_to(services).parts[0], how)
        for path in services.glob("*/**/*.py")
        for event, how in _marked(path)
    }
    return sorted(found)


def _marked(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    names = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (how := MARKS.get(_origin(node.func, names))):
            for argument in node.args:
                yield from ((event, how) for event in _events(argument, names, path))


def _imported(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Local name → (module, name there); a module imported whole has an empty second part."""
    names: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: (alias.name, "") for alias in node.names}
    return names


def _origin(node: ast.expr, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Where a name or `module.name` comes from; empty when it was not imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id, ("", ""))
    if isinstance(node, ast.Attribute):
        module, inner = names.get(ast.unparse(node.value), ("", ""))
        return f"{module}.{inner}".rstrip("."), node.attr
    return "", ""


def _events(node: ast.expr, names: dict[str, tuple[str, str]], path: Path) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _events(node.left, names, path)
        yield from _events(node.right, names, path)
        return
    module, name = _origin(node, names)
    if name not in EVENTS or EVENTS[name].__module__ != module:
        raise UnreadableMark(
            f"{path}:{node.lineno}: {ast.unparse(node)} is no event imported from contracts.events; name it directly."
        )
    yield name
