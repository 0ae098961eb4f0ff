"""Data becomes an event again, or the reader is told in a sentence why not."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.committed import read_samples
from contracts.envelope import Event, Wire
from contracts.events.workflow import Source, WorkflowStarted
from contracts.registry import EVENTS, UnknownEvent, UnreadableEvent, decode, discover, knows, of, services, topics
from contracts.upcasters import UPCASTERS, MissingUpcaster, lift, upcast
from deploy.docs.samples import wire


def first_version(**changes: Any) -> Wire:
    """A WorkflowStarted as version 1 wrote it."""
    data = read_samples()["WorkflowStarted", 1] | changes
    return replace(wire("WorkflowStarted"), schema_version=1, data=json.dumps(data).encode())


def test_every_event_is_known_to_its_owner_and_has_a_topic() -> None:
    assert {event for service in services() for event in of(service)} == set(EVENTS.values())
    assert topics() == [f"presswork.{service}" for service in services()]
    assert of("nobody") == []
    assert EVENTS["WorkflowStarted"] is WorkflowStarted


def test_base_classes_are_no_events() -> None:
    assert knows("DraftCreated")
    assert not knows("GenerationEvent")
    assert not knows("Source")


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_says_what_happened(name: str) -> None:
    event = EVENTS[name]
    assert event.__doc__
    assert event.__doc__ != Event.__doc__
    assert event.stream
    beside = {other.owner for other in EVENTS.values() if other.__module__ == event.__module__}
    assert beside == {event.owner}, "a file holds the events of one service"


def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "twice"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for module in ("one", "two"):
        (package / f"{module}.py").write_text("from contracts.envelope import Event\nclass Happened(Event): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"Happened is named in twice\.one and twice\.two"):
        discover(import_module("twice"))
    for module in ("twice", "twice.one", "twice.two"):
        sys.modules.pop(module, None)


def test_an_event_nobody_knows_is_told_apart() -> None:
    with pytest.raises(UnknownEvent, match="No event is named 'Vanished'"):
        decode(replace(wire("DraftFailed"), type="Vanished"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": b""}, "does not fit its model: data: Invalid JSON"),
        ({"data": b"[1]"}, "does not fit its model"),
        ({"data": b"{}"}, "draft_id: Field required; .*; and 1 more"),
        ({"schema_version": 2}, "it is version 2 and this program knows 1 to 1; update this program"),
        ({"schema_version": 0}, "it is version 0"),
    ],
)
def test_unreadable_data_is_refused_with_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnreadableEvent, match=sentence):
        decode(replace(wire("DraftFailed"), **changes))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", "its data is no JSON"),
        (b"\xff", "its data is no JSON"),
        (b"[]", "its data is no JSON object"),
        (b"{}", "its version 1 lacks what the upcaster needs: KeyError 'source_text'"),
        (b'{"source_text": 5}', "its version 1 lacks what the upcaster needs: AttributeError"),
    ],
)
def test_unreadable_data_of_an_old_version_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableEvent, match=sentence):
        decode(replace(first_version(), data=data))


def test_a_refusal_does_not_repeat_the_content() -> None:
    message = wire("DraftFailed")
    data = json.loads(message.data) | {"iteration": "the content of a letter"}
    with pytest.raises(UnreadableEvent) as refusal:
        decode(replace(message, data=json.dumps(data).encode()))
    assert "letter" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_fields_of_a_newer_writer_are_ignored() -> None:
    message = wire("DraftFailed")
    data = json.loads(message.data) | {"invented_later": True}
    assert decode(replace(message, data=json.dumps(data).encode())) == decode(message)


@given(st.text(), st.none() | st.text(), st.integers(0, 100), st.lists(st.text(), max_size=3))
def test_the_first_version_of_a_workflow_is_lifted(
    text: str, title: str | None, threshold: int, platforms: list[str]
) -> None:
    message = first_version(source_text=text, source_title=title, threshold=threshold, platforms=platforms)
    event = decode(message)
    assert isinstance(event, WorkflowStarted)
    assert event.source == Source(
        title=title or "", text=text, sha256=sha256(text.encode()).hexdigest(), characters=len(text), language=""
    )
    assert (event.min_score, event.platforms, event.meta) == (threshold, tuple(platforms), message.meta)


def test_lifting_leaves_the_given_data_untouched() -> None:
    data = read_samples()["WorkflowStarted", 1]
    before = json.dumps(data)
    lift("WorkflowStarted", data, from_version=1, to_version=2)
    assert json.dumps(data) == before


def test_a_missing_step_is_named() -> None:
    with pytest.raises(MissingUpcaster, match="no upcaster lifts DraftFailed from version 1 to 2"):
        lift("DraftFailed", {}, from_version=1, to_version=2)


def test_a_step_has_one_upcaster() -> None:
    with pytest.raises(ValueError, match="WorkflowStarted version 1 has two upcasters"):
        upcast("WorkflowStarted", from_version=1)(lambda data: data)


def test_every_old_version_has_an_upcaster_and_no_upcaster_is_idle() -> None:
    needed = {(name, version) for name, event in EVENTS.items() for version in range(1, event.schema_version)}
    assert set(UPCASTERS) == needed
