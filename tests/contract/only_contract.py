"""An import rule that import-linter lacks: a package may import these modules, itself and the standard library only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules


class OnlyContract(Contract):
    """`source_modules` and what is below them import nothing but `allowed_modules` and what is below those."""

    type_name = "only"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        expressions: Any = self.source_modules
        found = sorted(
            (importer, imported)
            for source in module_expressions_to_modules(graph, expressions)
            for importer in {source.name} | graph.find_descendants(source.name)
            for imported in graph.find_modules_directly_imported_by(importer)
            if not self._allowed(imported, source.name)
        )
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in _pairs(check):
            output.print_error(f"{importer} is not allowed to import {imported}", bold=False)

    def _allowed(self, imported: str, source: str) -> bool:
        allowed: Any = self.allowed_modules
        return imported.partition(".")[0] in sys.stdlib_module_names or any(
            imported == module or imported.startswith(f"{module}.") for module in {source, *allowed}
        )


def _pairs(check: ContractCheck) -> Iterator[tuple[str, str]]:
    yield from check.metadata["found"]
