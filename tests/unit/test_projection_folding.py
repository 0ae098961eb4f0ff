"""Changes folded per row leave the same rows as the changes one after the other, however they are cut into batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.projection import (
    Add,
    Delete,
    Insert,
    InsertedTwice,
    RowChange,
    Update,
    Upsert,
    add,
    delete,
    fold,
    insert,
    update,
    upsert,
)
from tests.memory_tables import after

KEYS = {"pages": ("id",), "counts": ("day", "user")}
DEFAULTS: dict[str, Any] = {"n": 0, "m": 0, "title": None}


def possible(changes: Iterable[RowChange]) -> list[RowChange]:
    """Without inserts of rows that are there, which PostgreSQL would refuse."""
    there: set[tuple[Any, ...]] = set()
    found: list[RowChange] = []
    for change in changes:
        key = change.row if isinstance(change, Insert) else change.key
        identity = (change.table, *(key[name] for name in KEYS[change.table]))
        match change:
            case Insert() if identity in there:
                continue
            case Insert() | Upsert():
                there.add(identity)
            case Delete():
                there.discard(identity)
        found.append(change)
    return found


@st.composite
def _changes(draw: st.DrawFn) -> RowChange:
    table = draw(st.sampled_from(sorted(KEYS)))
    key = {name: draw(st.integers(0, 2)) for name in KEYS[table]}
    values = draw(st.fixed_dictionaries({}, optional={"n": st.integers(0, 9), "title": st.sampled_from("ab")}))
    match draw(st.sampled_from([Insert, Upsert, Update, Add, Delete])):
        case kind if kind is Insert:
            return Insert(table, key | values)
        case kind if kind is Add:
            return Add(table, key, {draw(st.sampled_from("nm")): draw(st.integers(-3, 3))})
        case kind if kind is Delete:
            return Delete(table, key)
        case kind:
            return kind(table, key, values)


A = {"id": 1}


@given(st.lists(_changes(), max_size=30).map(possible), st.lists(st.integers(0, 30), max_size=5))
@example([upsert("pages", A, title="a"), add("pages", A, n=1)], [])
@example([update("pages", A, n=5), add("pages", A, n=1), upsert("pages", A, title="b")], [])
@example([upsert("pages", A), add("pages", A, n=2), upsert("pages", A, n=7)], [2])
@example([insert("pages", id=1), delete("pages", id=1), upsert("pages", A, n=1), update("pages", A, n=2)], [1])
@example([insert("pages", id=1, n=None), add("pages", A, n=1)], [1])
def test_folding_changes_nothing(changes: list[RowChange], cuts: list[int]) -> None:
    one_by_one = after(changes, KEYS, range(len(changes)), DEFAULTS)
    assert after(changes, KEYS, cuts, DEFAULTS) == one_by_one
    assert after(changes, KEYS, [], DEFAULTS) == one_by_one


@pytest.mark.parametrize("first", [insert("pages", id=1, title="a"), upsert("pages", A, title="a")])
def test_a_second_row_of_the_same_key_is_refused(first: RowChange) -> None:
    with pytest.raises(InsertedTwice):
        fold([first, insert("pages", id=1, title="b")], KEYS)
