"""Hypothesis strategies for events and their envelopes, derived from the models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel

from contracts.envelope import Event, Mark, Meta
from contracts.registry import EVENTS

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
COUNTS = st.integers(0, 2**63 - 1)
WORDS = st.from_regex(r"[a-z][a-z-]{0,20}", fullmatch=True)


def models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a pydantic model with every field given."""
    fields = {name: values(field.annotation, *field.metadata) for name, field in model.model_fields.items()}
    return st.builds(model, **fields)


def events() -> st.SearchStrategy[Event]:
    """Any event, in its current version, not yet stored."""
    return st.sampled_from(sorted(EVENTS)).flatmap(lambda name: models(EVENTS[name]))


def metas() -> st.SearchStrategy[Meta]:
    """A place in a stream."""
    return st.builds(
        Meta,
        event_id=st.uuids(),
        stream_type=WORDS,
        stream_id=st.uuids(),
        version=st.integers(1, 2**63 - 1),
        recorded_at=st.datetimes(timezones=OFFSETS),
        correlation_id=st.uuids(),
        causation_id=st.none() | st.uuids(),
        actor=st.none() | st.uuids(),
        traceparent=st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True),
    )


def marks() -> st.SearchStrategy[Mark]:
    """A place in a service's order of events."""
    return st.builds(Mark, COUNTS, COUNTS)


def values(annotation: Any, *constraints: Any) -> st.SearchStrategy[Any]:
    """Values of a field."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return JSON
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if annotation is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return models(annotation)
    return st.from_type(Annotated[(annotation, *constraints)] if constraints else annotation)  # type: ignore[arg-type]
