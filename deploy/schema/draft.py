"""A documented table while it is being read."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Schema, Table, Trigger


@dataclass
class TableDraft:
    """What was read of one table so far. Saying the same twice counts once."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    row_security: bool = False

    def add_index(self, index: Index) -> None:
        """Add it, or give the unnamed one on the same columns its name."""
        for place, known in enumerate(self.indexes):
            if known.columns == index.columns and known.unique == index.unique and None in (known.name, index.name):
                self.indexes[place] = known if index.name is None else index
                return
        if index not in self.indexes:
            self.indexes.append(index)

    def table(self) -> Table:
        return Table(
            name=self.name,
            columns=self.columns,
            indexes=tuple(self.indexes),
            foreign_keys=tuple(self.foreign_keys),
            checks=tuple(self.checks),
            triggers=tuple(self.triggers),
            policies=tuple(self.policies),
            row_security=self.row_security or bool(self.policies),
        )


@dataclass
class SchemaDraft:
    """What was read of one document so far."""

    name: str
    tables: dict[str, TableDraft] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)

    def schema(self) -> Schema:
        return Schema(
            name=self.name,
            tables={name: draft.table() for name, draft in self.tables.items()},
            enums=self.enums,
            functions=tuple(sorted(set(self.functions))),
            extensions=tuple(sorted(set(self.extensions))),
        )
