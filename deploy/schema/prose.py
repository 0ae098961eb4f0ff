"""Tables written as Markdown: a grid of columns, then lists of indexes, constraints, triggers and policies."""

from __future__ import annotations

import re

from deploy.schema import words
from deploy.schema.blocks import Grid, Items
from deploy.schema.draft import SchemaDraft, TableDraft
from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Trigger

# `name` on `(a, b)` · `name` (a, b) · Composite index on `(a, b DESC)` for … · Unique constraint on `a`
_ON = re.compile(
    r"^(?:`(?P<name>\w+)`\s*)?(?P<kind>primary key|composite index|unique constraint|index)?\s*(?:on\s+)?"
    r"(?:`\(?(?P<quoted>[^`)]+)\)?`|\((?P<plain>[^)]+)\))",
    re.I,
)
_REFERENCE = re.compile(
    r"(?:FOREIGN KEY|FK|REFERENCES)\s*\(?\s*(?P<table>\w+)[.(](?P<column>\w+)\)"
    r"(?:\s*ON DELETE (?P<action>CASCADE|SET NULL))?",
    re.I,
)
_DEFAULT = re.compile(r"DEFAULT\s+('[^']*'|[\w.]+(?:\(\))?)", re.I)
_CHECK = re.compile(r"CHECK\s*\((\d+)-(\d+)\)", re.I)
_COMMANDS = ("select", "insert", "update", "delete")


def read_columns(grid: Grid, name: str, into: SchemaDraft) -> TableDraft:
    """A grid with a column for names, types and, mostly, constraints. Returns the table it was read into."""
    table = into.tables[name] = TableDraft(name)
    constrained = "Constraints" in grid.header
    for row in grid.rows:
        column, kind, constraints = row[0].strip("` "), words.type_name(row[1]), row[2] if constrained else ""
        description = row[-1]
        if kind == "enum":
            kind = "enum " + words.enum_name(re.sub(r"\(.*", "", description))
        table.columns[column] = _column(column, kind, constraints, table, stated=constrained)
    return table


def _column(name: str, kind: str, constraints: str, table: TableDraft, *, stated: bool) -> Column:
    said = constraints.upper()
    primary = "PRIMARY KEY" in said
    if primary or "UNIQUE" in said:
        table.add_index(Index(name=None, columns=(name,), unique=True, primary=primary))
    elif "INDEX" in said:
        table.add_index(Index(name=None, columns=(name,)))
    if found := _REFERENCE.search(constraints):
        action = (found["action"] or "no action").lower()
        parent = words.table_name(found["table"])
        table.foreign_keys.append(
            ForeignKey(columns=(name,), table=parent, referenced=(found["column"],), on_delete=action)
        )
    if found := _CHECK.search(constraints):
        text = f"{name} {found[1]}-{found[2]}"
        table.checks.append(Check(name=None, columns=(name,), literals=(found[1], found[2]), text=text))
    written = _DEFAULT.search(constraints)
    nullable = not (primary or "NOT NULL" in said) if stated else None
    return Column(name=name, type=kind, nullable=nullable, default=words.default(written[1]) if written else None)


def read_list(label: str, items: Items, table: TableDraft) -> None:
    """A labelled list below a table's grid; a label that says nothing about the table is passed over."""
    match label.strip("*: ").lower():
        case "indexes" | "performance indexes":
            for item in items.items:
                _index(item, table, unique=False)
        case "constraints" | "unique constraint":
            for item in items.items:
                _index(item, table, unique=True)
        case "triggers":
            for item in items.items:
                table.triggers.append(Trigger(name=_name(item), function=None))
        case "rls policies":
            for item in items.items:
                command = next((word for word in _COMMANDS if word.upper() in item), "all")
                table.policies.append(Policy(name=_name(item), command=command))
        case values if values.endswith(" values") and values.removesuffix(" values") in table.columns:
            column = table.columns[values.removesuffix(" values")]
            table.columns[column.name] = column.model_copy(update={"values": tuple(map(_name, items.items))})
        case "log levels" | "artifact types" | "status values":
            raise ValueError(f"{label}: no column of {table.name} bears that name")


def _index(item: str, table: TableDraft, *, unique: bool) -> None:
    found = _ON.match(item)
    if found is None:
        raise ValueError(f"{table.name}: no index is meant by {item!r}")
    kind = (found["kind"] or "").lower()
    if kind == "primary key":
        return  # its column says so already
    columns = words.columns(found["quoted"] or found["plain"])
    table.add_index(Index(name=found["name"], columns=columns, unique=unique or kind == "unique constraint"))


def _name(item: str) -> str:
    return item.split("`")[1]


def read_enum(heading: str, items: Items, into: SchemaDraft) -> None:
    """An enumeration as a list of its members. Members are written as in Python; defaults show the stored values."""
    into.enums[words.enum_name(heading)] = tuple(_name(item).lower() for item in items.items)
