"""Documents beside schemas, fact by fact: what is asked, what is there, and how the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.schema import indexes
from deploy.schema.model import Column, ForeignKey, Schema, Schemas, Table
from deploy.schema.ownership import owner

SAME = "same"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a document asks for. `aspect` says what kind of thing it is (`type`, `index`, …), `verdict` how ours
    compares: `same`, or the word for the difference. `subject` is its column or name."""

    document: str
    service: str
    table: str
    aspect: str
    subject: str
    documented: str
    ours: str
    verdict: str = SAME

    @property
    def kind(self) -> str:
        """What deviations go by: `index missing`, `type wider`."""
        return f"{self.aspect} {self.verdict}"

    @property
    def differs(self) -> bool:
        return self.verdict != SAME


def compare(documents: Schemas, live: Mapping[str, Schema]) -> Iterator[Fact]:
    """Every fact of every document, beside the schemas of the services that exist."""
    for name, document in documents.schemas.items():
        for table in document.tables.values():
            service = owner(name, table.name)
            if service is None:
                yield Fact(name, "", table.name, "table", table.name, "a table", "", "missing")
                continue
            yield from _Comparison(name, service, document, table, live).facts()
        yield from _beside_tables(name, document, live)


def _beside_tables(name: str, document: Schema, live: Mapping[str, Schema]) -> Iterator[Fact]:
    enums = {label: enum for schema in live.values() for label, enum in schema.enums.items()}
    for enum, labels in document.enums.items():
        ours = enums.get(enum)
        verdict = "missing" if ours is None else SAME if ours == labels else _values_verdict(labels, ours)
        yield Fact(name, "", "", "enum", enum, ", ".join(labels), ", ".join(ours or ()), verdict)
    functions = {function for schema in live.values() for function in schema.functions}
    for function in document.functions:
        there = function in functions
        yield Fact(
            name, "", "", "function", function, function, function if there else "", SAME if there else "missing"
        )
    extensions = {extension for schema in live.values() for extension in schema.extensions}
    for extension in document.extensions:
        there = extension in extensions
        verdict = SAME if there else "missing"
        yield Fact(name, "", "", "extension", extension, extension, extension if there else "", verdict)


def _values_verdict(documented: tuple[str, ...], ours: tuple[str, ...]) -> str:
    if missing := set(documented).difference(ours):
        return f"without {', '.join(sorted(missing))}"
    return "longer" if len(ours) > len(documented) else "in another order"


class _Comparison:
    """One documented table beside the one that bears its name."""

    def __init__(self, document: str, service: str, schema: Schema, table: Table, live: Mapping[str, Schema]) -> None:
        self._document = document
        self._service = service
        self._schema = schema
        self._asked = table
        self._live = live.get(service)
        self._there = self._live.tables.get(table.name) if self._live else None
        # What a view cannot have itself, the table behind it has.
        behind = self._there.source if self._there else None
        self._base = self._live.tables.get(behind, self._there) if self._live and behind else self._there
        self._sources = self._there.sources if self._there else {}

    def facts(self) -> Iterator[Fact]:
        if self._there is None or self._base is None:
            yield self._fact("table", self._asked.name, "a table", "", "missing")
            return
        ours = "a table" if self._there.source is None else f"a view of {self._there.source}"
        yield self._fact("table", self._asked.name, "a table", ours)
        for column in self._asked.columns.values():
            yield from self._column(column, self._there.columns.get(column.name))
        for asked in self._asked.indexes:
            meant = asked.model_copy(update={"columns": tuple(map(self._source, asked.columns))})
            found, verdict = indexes.find(meant, self._base.indexes)
            yield self._fact(
                indexes.aspect(asked), indexes.subject(asked), indexes.text(asked), indexes.text(found), verdict
            )
        for key in self._asked.foreign_keys:
            yield from self._foreign_key(key, self._base)
        for check in self._asked.checks:
            yield self._restriction("check", check.columns[0], check.text, check.literals)
        yield from self._rules(self._base)

    def _fact(self, aspect: str, subject: str, documented: str, ours: str, verdict: str = SAME) -> Fact:
        return Fact(self._document, self._service, self._asked.name, aspect, subject, documented, ours, verdict)

    def _source(self, column: str) -> str:
        name, *order = column.split(" ", 1)
        return " ".join([self._sources.get(name, name), *order])

    def _column(self, asked: Column, there: Column | None) -> Iterator[Fact]:
        if there is None:
            yield self._fact("column", asked.name, asked.type, "", "missing")
            return
        yield self._fact("type", asked.name, asked.type, there.type, self._type_verdict(asked.type, there.type))
        behind = self._behind(asked.name) or there
        if asked.nullable is not None:
            words = {True: "null", False: "not null"}
            nullable = behind.nullable is not False
            verdict = SAME if nullable is asked.nullable else "looser" if nullable else "stricter"
            yield self._fact("null", asked.name, words[asked.nullable], words[nullable], verdict)
        if asked.default is not None:
            ours = "generated" if behind.generated else behind.default or ""
            verdict = SAME if ours == asked.default else "missing" if not ours else "other"
            yield self._fact("default", asked.name, asked.default, ours, verdict)
        if asked.values:
            yield self._restriction("values", asked.name, ", ".join(asked.values), asked.values)

    def _behind(self, column: str) -> Column | None:
        return self._base.columns.get(self._source(column)) if self._base else None

    def _type_verdict(self, asked: str, there: str) -> str:
        enums = self._live.enums if self._live else {}
        if asked.startswith("enum "):
            return SAME if asked.removeprefix("enum ") == there and there in enums else "other"
        if asked == there:
            return SAME
        if asked.startswith("varchar") and (there in ("text", "varchar") or _length(there) > _length(asked)):
            return "wider"
        return "other"

    def _restriction(self, aspect: str, column: str, text: str, asked: tuple[str, ...]) -> Fact:
        """What a column may hold, by a check or an enumeration; a list of values alone asks for no constraint."""
        name = self._source(column)
        checks = [check for check in (self._base.checks if self._base else ()) if check.columns == (name,)]
        literals = {literal for check in checks for literal in check.literals}
        behind = self._behind(column)
        if behind and self._live and behind.type in self._live.enums:
            literals |= set(self._live.enums[behind.type])
        ours = ", ".join(sorted(literals))
        if not literals:
            return self._fact(aspect, column, text, "not restricted", SAME if aspect == "values" else "missing")
        if missing := set(asked).difference(literals):
            return self._fact(aspect, column, text, ours, f"without {', '.join(sorted(missing))}")
        return self._fact(aspect, column, text, ours, "longer" if len(literals) > len(asked) else SAME)

    def _foreign_key(self, asked: ForeignKey, there: Table) -> Iterator[Fact]:
        columns = tuple(map(self._source, asked.columns))
        subject, text = ", ".join(asked.columns), _foreign_text(asked)
        if (parent := owner(self._document, asked.table)) != self._service:
            led = next((index for index in there.indexes if index.columns[0].split(" ")[0] == columns[0]), None)
            ours = f"indexed by {led.name}; {parent} owns {asked.table}" if led else f"{parent} owns {asked.table}"
            yield self._fact("foreign key", subject, text, ours, "across services" if led else "without index")
            return
        found = next((key for key in there.foreign_keys if key.columns == columns), None)
        if found is None:
            yield self._fact("foreign key", subject, text, "", "missing")
        else:
            verdict = SAME if found.table == asked.table else "other"
            if verdict == SAME and found.on_delete != asked.on_delete:
                verdict = f"on delete {found.on_delete}"
            yield self._fact("foreign key", subject, text, _foreign_text(found), verdict)

    def _rules(self, there: Table) -> Iterator[Fact]:
        for trigger in self._asked.triggers:
            found = next((each for each in there.triggers if each.name == trigger.name), None)
            ours = f"{found.name} ({found.function})" if found else ""
            documented = f"{trigger.name} ({trigger.function})" if trigger.function else trigger.name
            other = found is not None and trigger.function not in (None, found.function)
            verdict = "missing" if found is None else "with another function" if other else SAME
            yield self._fact("trigger", trigger.name, documented, ours, verdict)
        for policy in self._asked.policies:
            same = [each for each in there.policies if each == policy]
            alike = [each for each in there.policies if each.command == policy.command]
            ours = ", ".join(f"{each.name} for {each.command}" for each in same or alike)
            verdict = SAME if same else "under another name" if alike else "missing"
            yield self._fact("policy", policy.name, f"{policy.name} for {policy.command}", ours, verdict)
        if self._asked.row_security:
            ours = "on" if there.row_security else "off"
            yield self._fact("row security", self._asked.name, "on", ours, SAME if there.row_security else "off")


def _length(kind: str) -> int:
    inside = kind.partition("(")[2].rstrip(")[]")
    return int(inside) if kind.startswith("varchar") and inside.isdigit() else 0


def _foreign_text(key: ForeignKey) -> str:
    action = "" if key.on_delete == "no action" else f" on delete {key.on_delete}"
    return f"{key.table}({', '.join(key.referenced)}){action}"
