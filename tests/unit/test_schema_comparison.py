"""Documented beside ours: each way to differ has its word, and each difference its reason or none."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.schema import committed, deviations
from deploy.schema.compare import Fact, compare
from deploy.schema.deviations import Deviation, judge
from deploy.schema.document import document
from deploy.schema.indexes import find
from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Schema, Schemas, Table, Trigger
from deploy.schema.ownership import owner

KEY = Index(name="drafts_pkey", columns=("id",), unique=True, primary=True)


def table(*columns: Column, name: str = "drafts", **parts: Any) -> Table:
    parts.setdefault("indexes", (KEY,))
    return Table(name=name, columns={column.name: column for column in columns}, **parts)


def facts(asked: Table, ours: Table | None, **schema: Any) -> dict[tuple[str, str], Fact]:
    """What a document asks of a table of generation's, by aspect and subject."""
    documents = Schemas(fingerprint="", schemas={"one": Schema(name="one", tables={asked.name: asked})})
    tables = {each.name: each for each in (ours, schema.pop("behind", None)) if each is not None}
    live = {"generation": Schema(name="generation", tables=tables, **schema)}
    return {(fact.aspect, fact.subject): fact for fact in compare(documents, live)}


def verdict(aspect: str, asked: Column, ours: Column, **schema: Any) -> str:
    return facts(table(asked), table(ours), **schema)[aspect, asked.name].verdict


@pytest.mark.parametrize(
    ("asked", "ours", "expected"),
    [
        ("uuid", "uuid", "same"),
        ("varchar(50)", "varchar(64)", "wider"),
        ("varchar(50)", "text", "wider"),
        ("varchar(64)", "varchar(50)", "other"),
        ("text", "varchar(50)", "other"),
        ("timestamp", "timestamptz", "other"),
        ("enum task_status", "task_status", "same"),
        ("enum task_status", "text", "other"),
    ],
)
def test_types(asked: str, ours: str, expected: str) -> None:
    enums = {"task_status": ("queued",)}
    assert verdict("type", Column(name="a", type=asked), Column(name="a", type=ours), enums=enums) == expected


@pytest.mark.parametrize(
    ("asked", "ours", "expected"),
    [(True, True, "same"), (False, True, "looser"), (True, False, "stricter")],
)
def test_null(asked: bool, ours: bool, expected: str) -> None:
    columns = Column(name="a", type="text", nullable=asked), Column(name="a", type="text", nullable=ours)
    assert verdict("null", *columns) == expected


@pytest.mark.parametrize(("ours", "expected"), [("now()", "same"), (None, "missing"), ("clock_timestamp()", "other")])
def test_defaults(ours: str | None, expected: str) -> None:
    columns = Column(name="a", type="text", default="now()"), Column(name="a", type="text", default=ours)
    assert verdict("default", *columns) == expected


def test_a_missing_table_and_a_missing_column() -> None:
    asked = table(Column(name="a", type="text"))
    assert facts(asked, None)["table", "drafts"].kind == "table missing"
    assert facts(asked, table(Column(name="b", type="text")))["column", "a"].kind == "column missing"


@pytest.mark.parametrize(
    ("asked", "ours", "expected"),
    [
        (("i", "a"), ("i", "a"), "same"),
        ((None, "a"), ("j", "a"), "same"),
        (("i", "a"), ("i", "a", "b DESC"), "longer"),
        (("i", "a"), ("j", "a"), "under another name"),
        (("i", "a"), ("j", "a", "b"), "longer under another name"),
        (("i", "a"), ("i", "b"), "other"),
        (("i", "a"), ("i", "lower((a)::text)"), "case blind"),
        (("i", "a DESC"), ("j", "a"), "missing"),
        ((None, "a"), ("j", "b"), "missing"),
    ],
)
def test_indexes(asked: tuple[str | None, ...], ours: tuple[str, ...], expected: str) -> None:
    wanted = Index(name=asked[0], columns=asked[1:])
    assert find(wanted, [KEY, Index(name=ours[0], columns=ours[1:])])[1] == expected


def test_a_unique_index_serves_as_a_plain_one_but_not_the_other_way() -> None:
    plain, unique = Index(name="i", columns=("a",)), Index(name="i", columns=("a",), unique=True)
    assert find(plain, [unique]) == (unique, "unique")
    assert find(unique, [plain]) == (None, "missing")


def test_a_partial_index_is_not_a_whole_one() -> None:
    whole, partial = Index(name="i", columns=("a",)), Index(name="i", columns=("a",), where="b is not null")
    assert find(whole, [partial]) == (partial, "other")
    assert find(partial, [partial]) == (partial, "same")


@pytest.mark.parametrize("unique", [True, False])
def test_a_key_that_names_its_partition_is_longer(unique: bool) -> None:
    longer = KEY.model_copy(update={"columns": ("id", "created_at")})
    assert find(KEY.model_copy(update={"name": None}), [longer]) == (longer, "longer")


def test_foreign_keys_within_a_service_and_across() -> None:
    within = ForeignKey(columns=("based_on_id",), table="drafts", referenced=("id",))
    across = ForeignKey(columns=("workflow_id",), table="workflows", referenced=("id",))
    asked = table(foreign_keys=(within, across))
    led = Index(name="i", columns=("workflow_id", "created_at DESC"))
    assert facts(asked, table())["foreign key", "based_on_id"].verdict == "missing"
    assert facts(asked, table())["foreign key", "workflow_id"].verdict == "without index"
    ours = table(foreign_keys=(within.model_copy(update={"on_delete": "cascade"}),), indexes=(KEY, led))
    assert facts(asked, ours)["foreign key", "based_on_id"].verdict == "on delete cascade"
    assert facts(asked, ours)["foreign key", "workflow_id"].verdict == "across services"


def test_checks_are_asked_for_and_lists_of_values_only_must_not_be_cut() -> None:
    check = Check(name=None, columns=("state",), literals=("a", "b"), text="state IN ('a', 'b')")
    asked = table(Column(name="state", type="text", values=("a", "b")), checks=(check,))
    column = Column(name="state", type="text")
    free = facts(asked, table(column))
    assert (free["check", "state"].verdict, free["values", "state"].verdict) == ("missing", "same")
    cut = facts(asked, table(column, checks=(check.model_copy(update={"literals": ("a",)}),)))
    assert {fact.verdict for fact in cut.values() if fact.subject == "state" and fact.aspect != "type"} == {"without b"}
    enum = facts(asked, table(Column(name="state", type="mood")), enums={"mood": ("a", "b", "c")})
    assert (enum["check", "state"].verdict, enum["values", "state"].verdict) == ("longer", "longer")


def test_triggers_policies_and_row_security() -> None:
    trigger, policy = Trigger(name="t", function="touch"), Policy(name="p", command="all")
    asked = table(triggers=(trigger,), policies=(policy,), row_security=True)
    bare = facts(asked, table())
    assert bare["trigger", "t"].verdict == bare["policy", "p"].verdict == "missing"
    assert bare["row security", "drafts"].verdict == "off"
    named = facts(
        asked,
        table(
            triggers=(Trigger(name="t", function="other"),),
            policies=(Policy(name="drafts_owner_all", command="all"),),
            row_security=True,
        ),
    )
    assert named["trigger", "t"].verdict == "with another function"
    assert named["policy", "p"].verdict == "under another name"
    assert not named["row security", "drafts"].differs


def test_what_a_view_cannot_have_the_table_behind_it_has() -> None:
    index = Index(name="i", columns=("open",))
    asked = table(Column(name="open", type="boolean", nullable=False), name="outputs", indexes=(index,))
    view = table(
        Column(name="open", type="boolean", nullable=True),
        name="outputs",
        indexes=(),
        source="drafts",
        sources={"open": "closed"},
    )
    behind = table(
        Column(name="closed", type="boolean", nullable=False), indexes=(Index(name="i", columns=("closed",)),)
    )
    found = facts(asked, view, behind=behind)
    assert found["table", "outputs"].ours == "a view of drafts"
    assert not any(fact.differs for fact in found.values())


UUIDS = Deviation(title="UUIDs", reason="they are", kind=("type other",), documented=("integer",), ours=("uuid",))


def fact(**changes: str) -> Fact:
    said = {"document": "one", "service": "auth", "table": "users", "aspect": "type", "subject": "id"}
    return Fact(**(said | {"documented": "integer", "ours": "uuid", "verdict": "other"} | changes))


def test_a_difference_without_a_reason_is_left() -> None:
    found = judge([fact(), fact(documented="text"), fact(verdict="same")], [UUIDS])
    assert found.explained == {fact(): UUIDS}
    assert found.unexplained == [fact(documented="text")]
    assert found.stale == []


def test_a_reason_without_a_difference_is_stale_pattern_by_pattern() -> None:
    found = judge([fact()], [UUIDS.model_copy(update={"documented": ("integer", "serial")})])
    assert found.stale == ["UUIDs: documented = 'serial' explains nothing any more"]
    assert judge([], [UUIDS]).stale == ["UUIDs: explains nothing any more"]


def test_every_deviation_says_why() -> None:
    listed = deviations.load()
    assert len({each.title for each in listed}) == len(listed)
    assert all(len(each.reason.split()) > 10 for each in listed)


def test_the_page_shows_every_documented_column_beside_ours() -> None:
    expectation, snapshot = committed.load(committed.EXPECTATION), committed.load(committed.SNAPSHOT)
    listed = deviations.load()
    number = [deviation.title for deviation in listed].index("The wider of two lengths") + 1
    page = document(expectation, snapshot.schemas, listed).splitlines()
    assert f"| `username` | morphpost | `varchar(50) not null` | `varchar(64) not null` | {number} |" in page
    for name, schema in expectation.schemas.items():
        for asked in schema.tables.values():
            for column in asked.columns if owner(name, asked.name) else ():
                assert any(line.startswith(f"| `{column}` | {name} | ") for line in page), (name, asked.name, column)
    assert "**Not there.**" in document(expectation, {}, listed)
