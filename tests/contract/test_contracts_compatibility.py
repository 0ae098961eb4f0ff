"""A version keeps its promise: each kind of break is caught, and what breaks nobody passes."""

from __future__ import annotations

import re
from typing import Any, Literal, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from contracts.committed import schema_of
from contracts.compatibility import breaks
from contracts.registry import EVENTS


class Part(BaseModel):
    name: str


class NamedPart(BaseModel):
    name: str
    size: int


class Tree(BaseModel):
    children: list[Tree] = []


class LabelledTree(BaseModel):
    children: list[LabelledTree] = []
    label: str


def schema(**fields: Any) -> dict[str, Any]:
    """The schema of an event with these fields."""
    model: type[BaseModel] = create_model("Happened", **fields)
    return model.model_json_schema()


ID = {"id": (UUID, ...)}

BREAKS = {
    "a field removed": (ID | {"text": (str, "")}, ID, "text was removed"),
    "a required field added": (ID, ID | {"text": (str, ...)}, "text is new and required"),
    "optional made required": (ID | {"text": (str, "")}, ID | {"text": (str, ...)}, "text became required"),
    "required made optional": (ID | {"text": (str, ...)}, ID | {"text": (str, "")}, "text became optional"),
    "a field renamed": (ID | {"text": (str, "")}, ID | {"words": (str, "")}, "text was removed"),
    "a type changed": ({"count": (int, ...)}, {"count": (str, ...)}, "count no longer takes integer"),
    "a type narrowed": ({"count": (float, ...)}, {"count": (int, ...)}, "count no longer takes number"),
    "a type widened": ({"count": (int, ...)}, {"count": (float, ...)}, "count now takes number"),
    "null refused": ({"text": (Optional[str], ...)}, {"text": (str, ...)}, "text no longer takes null"),  # noqa: UP045
    "null allowed": ({"text": (str, ...)}, {"text": (str | None, ...)}, "text now takes null"),
    "a format added": ({"id": (str, ...)}, {"id": (UUID, ...)}, r"id no longer takes string: "),
    "a value removed": ({"mode": (Literal["a", "b"], ...)}, {"mode": (Literal["a"], ...)}, "mode no longer takes 'b'"),
    "a value added": ({"mode": (Literal["a"], ...)}, {"mode": (Literal["a", "b"], ...)}, "mode now takes 'b'"),
    "values enumerated": ({"mode": (str, ...)}, {"mode": (Literal["a", "b"], ...)}, "mode was free and is enumerated"),
    "values freed": ({"mode": (Literal["a", "b"], ...)}, {"mode": (str, ...)}, "mode was enumerated and is free"),
    "a bound tightened": ({"n": (int, Field(le=100))}, {"n": (int, Field(le=10))}, "n its maximum was 100 and is 10"),
    "a bound added": ({"n": (int, ...)}, {"n": (int, Field(ge=1))}, "n its minimum was None and is 1"),
    "a length added": ({"t": (str, ...)}, {"t": (str, Field(max_length=3))}, "t its maxLength was None and is 3"),
    "a default changed": ({"n": (int, 70)}, {"n": (int, 80)}, "n its default was 70 and is 80"),
    "items changed": ({"of": (list[str], ...)}, {"of": (list[int], ...)}, r"of\[\] no longer takes string"),
    "items made narrow": ({"of": (list[Any], ...)}, {"of": (list[int], ...)}, r"of\[\] no longer takes anything"),
    "map values changed": ({"of": (dict[str, int], ...)}, {"of": (dict[str, str], ...)}, r"of\{\} no longer takes int"),
    "places added": ({"at": (tuple[int, int], ...)}, {"at": (tuple[int, int, int], ...)}, "at had 2 fixed places"),
    "a place changed": ({"at": (tuple[int, int], ...)}, {"at": (tuple[int, str], ...)}, r"at\[1\] no longer takes int"),
    "a part needs more": ({"part": (Part, ...)}, {"part": (NamedPart, ...)}, r"part\.size is new and required"),
    "a nested part needs more": ({"p": (list[Part], [])}, {"p": (list[NamedPart], [])}, r"p\[\]\.size is new and requ"),
    "a tree needs more": ({"t": (Tree, ...)}, {"t": (LabelledTree, ...)}, r"t\.label is new and required"),
}

HARMLESS = {
    "an optional field added": (ID, ID | {"text": (str, "")}),
    "a nullable field added": (ID, ID | {"text": (str | None, None)}),
    "words improved": ({"n": (int, Field(description="Count."))}, {"n": (int, Field(description="How many."))}),
    "a class renamed": (
        {"part": (Part, ...)},
        {"part": (create_model("Piece", name=(str, ...)), ...)},
    ),
    "alternatives reordered": ({"n": (int | str, ...)}, {"n": (str | int, ...)}),
    "a tree kept": ({"t": (Tree, ...)}, {"t": (Tree, ...)}),
}


@pytest.mark.parametrize(("old", "new", "sentence"), BREAKS.values(), ids=BREAKS)
def test_a_break_is_told(old: dict[str, Any], new: dict[str, Any], sentence: str) -> None:
    found = breaks(schema(**old), schema(**new))
    assert any(re.match(sentence, told) for told in found), found


@pytest.mark.parametrize(("old", "new"), HARMLESS.values(), ids=HARMLESS)
def test_what_breaks_nobody_passes(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaks(schema(**old), schema(**new)) == []


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_agrees_with_itself_and_misses_each_of_its_fields(name: str) -> None:
    whole = schema_of(EVENTS[name])
    assert breaks(whole, whole) == []
    for field in whole["properties"]:
        rest = {key: value for key, value in whole["properties"].items() if key != field}
        assert f"{field} was removed" in breaks(whole, whole | {"properties": rest})
