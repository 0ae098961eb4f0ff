"""docs/schema.md: every documented table and column beside ours, and why they differ where they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from deploy.schema.compare import Fact, compare
from deploy.schema.deviations import Deviation, Verdict, judge
from deploy.schema.model import Column, Schema, Schemas, Table
from deploy.schema.ownership import OWNED, ordered

OPENING = """\
# Schema

Written by `make docs` from `deploy/schema/` (what the documents ask, and why we differ) and from the migrations; do not
edit. `make check-schema` holds a live database against the same list.

Every table here is a read model: filled by projections of events, dropped and rebuilt at will. The events themselves,
and the tables of the kit beside them (`relay_cursor`, `heard`, `tasks`, …), are described in
[architecture.md](architecture.md). A number in the last column is that of a [deviation](#deviations).
"""
_OF_COLUMNS = ("type", "null", "default", "values", "column")


def document(documents: Schemas, live: Mapping[str, Schema], deviations: Sequence[Deviation]) -> str:
    """The page as Markdown."""
    facts = list(compare(documents, live))
    page = _Page(documents, live, facts, judge(facts, list(deviations)), deviations)
    return "\n".join([OPENING, *page.deviations(), *page.services(), *page.beside_tables()]).rstrip() + "\n"


class _Page:
    def __init__(
        self,
        documents: Schemas,
        live: Mapping[str, Schema],
        facts: Sequence[Fact],
        verdict: Verdict,
        deviations: Sequence[Deviation],
    ) -> None:
        self._documents = documents
        self._live = live
        self._facts = facts
        self._verdict = verdict
        self._deviations = deviations
        self._number = {deviation.title: number for number, deviation in enumerate(deviations, 1)}

    def deviations(self) -> Iterator[str]:
        count = Counter(deviation.title for deviation in self._verdict.explained.values())
        yield "## Deviations"
        yield ""
        yield "| | what | why | times |"
        yield "|---|---|---|---|"
        for deviation in self._deviations:
            number, title = self._number[deviation.title], deviation.title
            yield f"| {number} | {_cell(title)} | {_cell(deviation.reason)} | {count[title]} |"
        yield ""

    def services(self) -> Iterator[str]:
        by_table: dict[tuple[str, str], list[str]] = {}
        for service, table, name in ordered(self._documents):
            by_table.setdefault((service, table), []).append(name)
        for service in OWNED:
            yield f"## {service}"
            yield ""
            for (owner, table), names in by_table.items():
                if owner == service:
                    yield from self._table(service, table, names)

    def beside_tables(self) -> Iterator[str]:
        yield "## Beside the tables"
        yield ""
        yield from self._rest([fact for fact in self._facts if not fact.service])

    def _table(self, service: str, name: str, documents: Sequence[str]) -> Iterator[str]:
        schema = self._live.get(service)
        ours = schema.tables.get(name) if schema else None
        facts = [fact for fact in self._facts if (fact.service, fact.table) == (service, name)]
        yield f"### {service}.{name}"
        yield ""
        kind = "" if ours is None or ours.source is None else f"A view of `{ours.source}`. "
        yield f"{kind}Documented by {' and '.join(documents)}."
        yield ""
        if ours is None:
            yield "**Not there.**"
            yield ""
            return
        yield "| column | by | documented | ours | |"
        yield "|---|---|---|---|---|"
        for document in documents:
            asked = self._documents.schemas[document].tables[name]
            for column in asked.columns.values():
                about = [f for f in facts if (f.document, f.subject) == (document, column.name)]
                about = [fact for fact in about if fact.aspect in _OF_COLUMNS]
                there = ours.columns.get(column.name)
                cells = (f"`{column.name}`", document, _column(column), _column(there), self._notes(about))
                yield f"| {' | '.join(cells)} |"
        yield ""
        if more := _more(
            ours, {column for d in documents for column in self._documents.schemas[d].tables[name].columns}
        ):
            yield f"Ours has besides: {more}."
            yield ""
        yield from self._rest([fact for fact in facts if fact.aspect not in (*_OF_COLUMNS, "table")])

    def _rest(self, facts: Sequence[Fact]) -> Iterator[str]:
        if not facts:
            return
        yield "| what | by | documented | ours | |"
        yield "|---|---|---|---|---|"
        for fact in facts:
            subject = f"{fact.subject} → " if fact.aspect == "foreign key" else ""
            documented = f"`{_cell(subject + fact.documented)}`"
            what = f"{fact.aspect} `{fact.subject}`" if fact.aspect == "enum" else fact.aspect
            ours = f"`{_cell(fact.ours)}`" if fact.ours else ""
            yield f"| {what} | {fact.document} | {documented} | {ours} | {self._notes([fact])} |"
        yield ""

    def _notes(self, facts: Iterable[Fact]) -> str:
        notes: list[str] = []
        for fact in facts:
            if not fact.differs:
                continue
            deviation = self._verdict.explained.get(fact)
            note = str(self._number[deviation.title]) if deviation else f"**{fact.kind}**"
            if note not in notes:
                notes.append(note)
        return ", ".join(notes)


def _column(column: Column | None) -> str:
    if column is None:
        return ""
    words = [column.type]
    if column.nullable is False:
        words.append("not null")
    if column.generated:
        words.append("generated")
    if column.default is not None:
        words += ["default", column.default or "''"]
    return f"`{_cell(' '.join(words))}`"


def _more(table: Table, documented: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in table.columns if name not in documented)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
