"""Every event by its type name, and the one place where data becomes an event again."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from contracts import events
from contracts.envelope import Event, Meta, Wire, topic
from contracts.upcasters import MissingUpcaster, lift


class UnknownEvent(LookupError):
    """No model bears this name; a consumer that has no interest in it may pass by (ask `knows` first)."""


class UnreadableEvent(ValueError):
    """The data does not fit its model, or is newer than this program; the text says where, never what it holds."""


def discover(package: Any = events) -> dict[str, type[Event]]:
    """A package's events by name: its classes from which no other derives. Raises ValueError for a name used twice."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    classes = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value.__module__ == module.__name__
    ]
    bases = {base for cls in classes for base in cls.__mro__[1:]}
    found: dict[str, type[Event]] = {}
    for cls in classes:
        if cls in bases:
            continue
        if cls.__name__ in found:
            raise ValueError(f"{cls.__name__} is named in {found[cls.__name__].__module__} and {cls.__module__}.")
        found[cls.__name__] = cls
    return found


EVENTS: dict[str, type[Event]] = discover()


def knows(event_type: str) -> bool:
    """Whether this program has a model of that name."""
    return event_type in EVENTS


def of(service: str) -> list[type[Event]]:
    """The events a service owns, in the order of their module; empty for a service that has none."""
    return [event for event in EVENTS.values() if event.owner == service]


def services() -> list[str]:
    """The services that own events, by name."""
    return sorted({event.owner for event in EVENTS.values()})


def topics() -> list[str]:
    """Every topic there is, by name."""
    return [topic(service) for service in services()]


def decode(wire: Wire) -> Event:
    """The event of a message, lifted to the current version, with its meta. Raises UnknownEvent, UnreadableEvent."""
    return restore(wire.type, wire.schema_version, wire.data, None, wire.meta)


def restore(event_type: str, schema_version: int, data: bytes | str, private: bytes | str | None, meta: Meta) -> Event:
    """A stored event with its private fields (JSON objects both) merged in. Raises UnknownEvent, UnreadableEvent."""
    model = EVENTS.get(event_type)
    if model is None:
        raise UnknownEvent(
            f"No event is named {event_type!r}; a newer program wrote it, or it was removed from contracts."
        )
    try:
        if schema_version == model.schema_version and private is None:
            event: Event = model.__pydantic_validator__.validate_json(data)
        else:
            event = model.__pydantic_validator__.validate_python(_merged(model, schema_version, data, private))
    except ValidationError as error:
        raise UnreadableEvent(f"{_name(event_type, meta)} does not fit its model: {_faults(error)}.") from None
    except (MissingUpcaster, _NotReadable) as error:
        raise UnreadableEvent(f"{_name(event_type, meta)} cannot be read: {error}.") from error
    return event.at(meta)


class _NotReadable(ValueError):
    """Why the data could not even reach the model."""


def _merged(model: type[Event], schema_version: int, data: bytes | str, private: bytes | str | None) -> dict[str, Any]:
    """The data of both objects as the current version knows it."""
    current = model.schema_version
    if not 1 <= schema_version <= current:
        raise _NotReadable(f"it is version {schema_version} and this program knows 1 to {current}; update this program")
    fields = _object(data) | (_object(private) if private is not None else {})
    try:
        return lift(model.__name__, fields, from_version=schema_version, to_version=current)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fault = f"{type(error).__name__} {error}"
        raise _NotReadable(f"its version {schema_version} lacks what the upcaster needs: {fault}") from error


def _object(data: bytes | str) -> dict[str, Any]:
    try:
        found = from_json(data)
    except ValueError as error:
        raise _NotReadable(f"its data is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _NotReadable("its data is no JSON object")
    return found


def _name(event_type: str, meta: Meta) -> str:
    return f"{event_type} {meta.event_id} (version {meta.version} of {meta.stream_type} {meta.stream_id})"


def _faults(error: ValidationError) -> str:
    """Field and fault of at most five; without the input, which may be private."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, fault['loc'])) or 'data'}: {fault['msg']}" for fault in faults[:5]]
    more = [f"and {len(faults) - 5} more"] if len(faults) > 5 else []
    return "; ".join(told + more)
