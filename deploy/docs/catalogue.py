"""The event catalogue, docs/events.md: what happens, who says it, who hears it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from pydantic import TypeAdapter

from contracts.committed import Json, file_name, schema_of
from contracts.envelope import MAX_EVENT_BYTES, Event, topic
from contracts.registry import of, services
from contracts.upcasters import UPCASTERS
from deploy.docs.attributes import described
from deploy.docs.hearers import Hearing
from deploy.docs.samples import sample

HOW = {"reacts": "reacts", "shows": "shows it in a read table"}


def catalogue(hearings: Iterable[Hearing]) -> str:
    """The page as Markdown."""
    heard = list(hearings)
    return "\n".join([*_opening(), *(line for service in services() for line in _service(service, heard))])


MOST = MAX_EVENT_BYTES // 1024
OPENING = f"""\
# Events

Written by `make docs` from `contracts/` and from the marks in `services/`; do not edit.

A message is a CloudEvent 1.0 in binary mode: attributes in headers, the data alone as JSON value, the stream's id as
key. It holds at most {MOST} KiB; bigger content travels by reference. Delivery is at least once; the events of one
stream keep their order. Readers ignore fields they do not know. Private fields stay in their owner's store, encrypted:
they are listed here but are in no message and no schema.
"""


def _opening() -> Iterator[str]:
    yield OPENING
    yield "| topic | owner | streams | events |"
    yield "|---|---|---|---|"
    for service in services():
        events = of(service)
        streams = ", ".join(sorted({event.stream for event in events}))
        links = ", ".join(f"[{event.__name__}](#{event.__name__.lower()})" for event in events)
        yield f"| `{topic(service)}` | {service} | {streams} | {links} |"
    yield ""
    yield "## Headers"
    yield ""
    yield "| header | says | always |"
    yield "|---|---|---|"
    for name, says, always in described():
        yield f"| `{name}` | {says} | {'yes' if always else 'no'} |"
    yield ""


def _service(service: str, heard: list[Hearing]) -> Iterator[str]:
    yield f"## {service}"
    yield ""
    for event in of(service):
        yield from _event(event, [hearing for hearing in heard if hearing.event == event.__name__])


def _event(event: type[Event], heard: list[Hearing]) -> Iterator[str]:
    name, version = event.__name__, event.schema_version
    schema = schema_of(event)
    yield f"### {name}"
    yield ""
    yield " ".join((event.__doc__ or "").split())
    yield ""
    yield f"Stream `{event.stream}`, version {version}{_lifted(event)}."
    file = file_name(name, version)
    yield f"[Schema](../contracts/schemas/{file}), [sample](../contracts/samples/{file})."
    yield f"Heard by: {_hearers(heard)}."
    yield ""
    yield "| field | type | default |"
    yield "|---|---|---|"
    yield from _fields(schema)
    for field in sorted(event.private_fields):
        private: Json = TypeAdapter[Any](cast(Any, event.model_fields[field].annotation)).json_schema()
        yield f"| `{field}` | {_type(private)}, **private** | |"
    for part, definition in schema.get("$defs", {}).items():
        yield ""
        yield f"`{part}`: {' '.join(definition.get('description', '').split())}"
        yield ""
        yield "| field | type | default |"
        yield "|---|---|---|"
        yield from _fields(definition)
    yield ""
    yield "```json"
    yield json.dumps(sample(event), indent=2, ensure_ascii=False)
    yield "```"
    yield ""


def _lifted(event: type[Event]) -> str:
    old = sorted(version for name, version in UPCASTERS if name == event.__name__)
    return f" (older versions {', '.join(map(str, old))} are lifted when read)" if old else ""


def _hearers(heard: list[Hearing]) -> str:
    by_service: dict[str, list[str]] = {}
    for hearing in heard:
        by_service.setdefault(hearing.service, []).append(HOW[hearing.how])
    return "; ".join(f"**{service}** ({', '.join(how)})" for service, how in by_service.items()) or "nobody yet"


def _fields(schema: Json) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else "required"
        yield f"| `{name}` | {_type(field)} | {default} |"


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    return _plain(schema)


def _plain(schema: Json) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if isinstance(values := schema.get("additionalProperties"), dict):
            return f"map of text to {_type(values)}"
        case "object":
            return "object"
        case "string":
            form = str(schema.get("format", "text"))
            return {"date-time": "time", "uuid": "UUID"}.get(form, form)
        case "integer" | "number":
            return f"{schema['type']}{_range(schema)}"
        case None:
            return "anything"
        case other:
            return str(other)


def _range(schema: Json) -> str:
    low: Any = schema.get("minimum")
    high: Any = schema.get("maximum")
    match (low, high):
        case (None, None):
            return ""
        case (_, None):
            return f" from {low}"
        case (None, _):
            return f" up to {high}"
        case _:
            return f" {low} to {high}"
