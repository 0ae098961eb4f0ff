"""SQL as it stands in the documents. sqlglot reads tables and indexes; what it has no words for is read by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from deploy.schema import words
from deploy.schema.draft import SchemaDraft, TableDraft
from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Trigger

# Two documents write a function's body between single dollars, which no PostgreSQL takes.
_FUNCTION = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION\s+(?:\w+\.)?(\w+)\(.*?(?:language\s+'?plpgsql'?\s*;|\$\$;)", re.I | re.S
)
_COMMENT = re.compile(r"--[^\n]*")
_EXTENSION = re.compile(r"CREATE EXTENSION (?:IF NOT EXISTS )?\"?([\w-]+)\"?", re.I)
_TYPE = re.compile(r"CREATE TYPE (\w+) AS ENUM \((.*?)\)", re.I | re.S)
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)\s+BEFORE UPDATE ON (\w+).*?EXECUTE FUNCTION (\w+)\(\)", re.I | re.S)
_POLICY = re.compile(r"CREATE POLICY (\w+) ON (\w+)(?:\s+FOR (\w+))?", re.I)
_ROW_SECURITY = re.compile(r"ALTER TABLE (\w+) ENABLE ROW LEVEL SECURITY", re.I)
_COPY_OF = re.compile(r"INSERT INTO (\w+)\s+SELECT \* FROM (\w+)", re.I)
# Not SQL, but what is meant is plain.
_UNIQUE = re.compile(r"CREATE UNIQUE CONSTRAINT (\w+) ON (\w+)\s*(\([^)]*\))", re.I)
_READ_BY_SQLGLOT = re.compile(r"^\s*(CREATE (UNIQUE )?INDEX|CREATE TABLE|ALTER TABLE \w+\s+ADD)\b", re.I)


def read_sql(text: str, into: SchemaDraft) -> None:
    """Add what a block of SQL defines. Raises sqlglot's ParseError for a definition it cannot read."""
    into.functions += _FUNCTION.findall(text)
    text = _COMMENT.sub("", _FUNCTION.sub("", text))
    text = _UNIQUE.sub(r"ALTER TABLE \2 ADD CONSTRAINT \1 UNIQUE \3", text)
    into.extensions += _EXTENSION.findall(text)
    into.enums |= {name: tuple(re.findall(r"'([^']*)'", labels)) for name, labels in _TYPE.findall(text)}
    for statement in filter(_READ_BY_SQLGLOT.match, text.split(";")):
        _define(sqlglot.parse_one(statement, dialect="postgres"), into)
    for name, table, function in _TRIGGER.findall(text):
        into.tables[table].triggers.append(Trigger(name=name, function=function))
    for name, table, command in _POLICY.findall(text):
        into.tables[table].policies.append(Policy(name=name, command=(command or "all").lower()))
    for table in _ROW_SECURITY.findall(text):
        into.tables[table].row_security = True
    for copy, of in _COPY_OF.findall(text):
        if copy not in into.tables and of in into.tables:
            into.tables[copy] = _copy(copy, into.tables[of])


def _copy(name: str, of: TableDraft) -> TableDraft:
    """A table that takes another one's rows: the columns it then has to have, and nothing said of the rest."""
    unsaid = {"default": None, "nullable": None}
    columns = {column.name: column.model_copy(update=unsaid) for column in of.columns.values()}
    return TableDraft(name, columns)


def _define(statement: exp.Expr, into: SchemaDraft) -> None:
    match statement:
        case exp.Create(kind="TABLE", this=exp.Schema() as body):
            name = body.this.name
            table = into.tables[name] = TableDraft(name)
            for part in body.expressions:
                if isinstance(part, exp.ColumnDef):
                    _column(part, table)
        case exp.Create(kind="INDEX", this=exp.Index() as index):
            parameters = index.args["params"]
            where = parameters.args.get("where")
            into.tables[index.args["table"].name].add_index(
                Index(
                    name=index.name,
                    columns=tuple(_ordered(parameters.args["columns"])),
                    unique=bool(statement.args.get("unique")),
                    where=where.this.sql("postgres").lower() if where else None,
                )
            )
        case exp.Alter():
            table = into.tables[statement.this.name]
            for action in statement.args["actions"]:
                if isinstance(action, exp.ColumnDef):
                    if action.name not in table.columns:
                        _column(action, table)
                    continue
                for constraint in action.find_all(exp.Constraint):
                    names = [found.name for found in constraint.find_all(exp.Identifier)][1:]
                    table.add_index(Index(name=constraint.name, columns=tuple(names), unique=True))


def _ordered(columns: list[exp.Expr]) -> Iterator[str]:
    for column in columns:
        yield f"{column.this.name} DESC" if column.args.get("desc") else column.this.name


def _column(definition: exp.ColumnDef, table: TableDraft) -> None:
    name = definition.name
    nullable, default = True, None
    for constraint in definition.find_all(exp.ColumnConstraint):
        match constraint.kind:
            case exp.PrimaryKeyColumnConstraint():
                table.add_index(Index(name=None, columns=(name,), unique=True, primary=True))
                nullable = False
            case exp.UniqueColumnConstraint():
                table.add_index(Index(name=None, columns=(name,), unique=True))
            case exp.NotNullColumnConstraint():
                nullable = False
            case exp.DefaultColumnConstraint() as written:
                value = written.this.this if isinstance(written.this, exp.Cast) else written.this
                default = words.default(value.sql("postgres"))
            case exp.CheckColumnConstraint() as check:
                literals = tuple(literal.name for literal in check.find_all(exp.Literal))
                text = check.this.sql("postgres")
                table.checks.append(Check(name=None, columns=(name,), literals=literals, text=text))
            case exp.Reference() as reference:
                target = reference.this
                table.foreign_keys.append(
                    ForeignKey(
                        columns=(name,),
                        table=target.this.name,
                        referenced=tuple(found.name for found in target.expressions),
                        on_delete=_on_delete(" ".join(map(str, reference.args.get("options", [])))),
                    )
                )
    kind = words.type_name(definition.args["kind"].sql("postgres"))
    table.columns[name] = Column(name=name, type=kind, nullable=nullable, default=default)


def _on_delete(options: str) -> str:
    found = re.search(r"ON DELETE (CASCADE|SET NULL|SET DEFAULT|RESTRICT)", options, re.I)
    return found[1].lower() if found else "no action"
