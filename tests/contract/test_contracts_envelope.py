"""Events travel as CloudEvents and come back as they were; private fields do not travel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.committed import schema_of
from contracts.envelope import Event, MalformedMessage, Mark, Meta, PrivateField, Wire, headers, parse
from contracts.registry import EVENTS, decode, restore
from deploy.docs.samples import wire
from tests.contract.strategies import COUNTS, events, marks, metas, models

WITH_PRIVATE = sorted(name for name, event in EVENTS.items() if event.private_fields)
SECRET = "never-on-the-bus"
SECRET_NUMBER = 8_170_605_040_302_010


def sent(event: Event, meta: Meta, mark: Mark = Mark(1, 1)) -> Wire:
    """The message of an event."""
    return Wire(meta, type(event).__name__, event.schema_version, event.owner, mark, 1, event.public_json())


def _secret(event: type[Event], field: str) -> tuple[object, str]:
    """A value of the field's own type, and what of it nothing else has."""
    types = get_args(event.model_fields[field].annotation)
    if int in types:
        return SECRET_NUMBER, str(SECRET_NUMBER)
    return ({"of mine": SECRET} if dict in map(get_origin, types) else SECRET), SECRET


@given(metas(), marks(), COUNTS, st.sampled_from(sorted(EVENTS)), st.integers(1, 99), st.binary(), COUNTS, marks())
def test_a_message_is_parsed_as_it_was_sent(
    meta: Meta, mark: Mark, epoch: int, name: str, version: int, data: bytes, partitions: int, previous: Mark
) -> None:
    message = Wire(meta, name, version, EVENTS[name].owner, mark, epoch, data, partitions, previous)
    assert parse(headers(message), message.data) == message


@given(events(), metas())
def test_an_event_is_decoded_as_it_was_decided_without_what_is_private(event: Event, meta: Meta) -> None:
    public = event.model_copy(update=dict.fromkeys(event.private_fields))
    message = sent(event, meta)
    assert decode(parse(headers(message), message.data)) == public.at(meta)


@given(events(), metas())
def test_an_event_is_restored_from_the_store_with_what_is_private(event: Event, meta: Meta) -> None:
    stored = restore(type(event).__name__, event.schema_version, event.public_json(), event.private_json(), meta)
    assert stored == event.at(meta)
    assert stored.meta == meta


@pytest.mark.parametrize("name", WITH_PRIVATE)
@given(st.data())
def test_private_values_are_in_no_header_value_or_representation(name: str, data: st.DataObject) -> None:
    event = data.draw(models(EVENTS[name]))
    secrets = {field: _secret(EVENTS[name], field) for field in event.private_fields}
    event = event.model_copy(update={field: value for field, (value, _) in secrets.items()})
    message = sent(event, data.draw(metas()))
    travelling = b"\n".join([message.data, *(value for _, value in headers(message))])
    kept = event.private_json() or b""
    for _, secret in secrets.values():
        assert secret.encode() not in travelling
        assert secret not in repr(event)
        assert secret.encode() in kept


@pytest.mark.parametrize("name", WITH_PRIVATE)
def test_private_fields_are_in_no_schema(name: str) -> None:
    event = EVENTS[name]
    properties = schema_of(event)["properties"]
    assert event.private_fields.isdisjoint(properties)
    assert set(properties) == set(event.model_fields) - event.private_fields


def test_every_field_marked_private_is_private() -> None:
    marked = {
        (name, field)
        for name, event in EVENTS.items()
        for field, info in event.model_fields.items()
        if any(isinstance(item, PrivateField) for item in info.metadata)
    }
    assert marked == {(name, field) for name in WITH_PRIVATE for field in EVENTS[name].private_fields}
    assert ("UserRegistered", "hashed_password") in marked


@pytest.mark.parametrize("name", WITH_PRIVATE)
def test_an_event_is_readable_without_its_private_fields(name: str) -> None:
    assert all(not EVENTS[name].model_fields[field].is_required() for field in EVENTS[name].private_fields)


def test_an_event_that_is_not_stored_has_no_meta() -> None:
    message = wire("DraftFailed")
    event = EVENTS["DraftFailed"].model_validate_json(message.data)
    with pytest.raises(LookupError, match="DraftFailed is not stored yet"):
        _ = event.meta
    assert event.at(message.meta).meta is message.meta


REQUIRED = [name for name, _ in headers(wire("DraftFailed", bare=True))]
UNREAD = {"ce_specversion", "content-type"}


@pytest.mark.parametrize("name", [name for name in REQUIRED if name not in UNREAD])
@pytest.mark.parametrize("value", [None, b"\xff\xfe", "absent"])
def test_a_message_without_a_readable_attribute_is_malformed(name: str, value: Any) -> None:
    message = wire("DraftFailed", bare=True)
    pairs = [(key, old if key != name else value) for key, old in headers(message)]
    with pytest.raises(MalformedMessage, match=r"no CloudEvent of Presswork"):
        parse([pair for pair in pairs if pair[1] != "absent"], message.data)


def test_a_tombstone_has_no_data() -> None:
    message = wire("DraftFailed")
    assert parse(headers(message), None) == replace(message, data=b"")


def test_headers_of_strangers_are_ignored() -> None:
    message = wire("DraftFailed")
    assert parse([*headers(message), ("x-other", b"\xff")], message.data) == message
