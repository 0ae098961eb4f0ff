"""The AsyncAPI 3 document: FastStream describes each event's message, then messages of one topic share one channel."""

from __future__ import annotations

from collections.abc import Iterable

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from contracts.committed import Json
from contracts.envelope import CONTENT_TYPE, Event, headers, topic
from contracts.registry import EVENTS, of, services
from deploy.docs.attributes import described
from deploy.docs.hearers import Hearing
from deploy.docs.samples import sample, wire

ABOUT = (
    "Event-sourced services over Kafka. Each service owns one topic; the key is the stream's id, so that the events of "
    "one stream keep their order. Messages are CloudEvents 1.0 in binary mode. Delivery is at least once."
)


def asyncapi(hearings: Iterable[Hearing], version: str) -> Json:
    """The document as a JSON object, in a stable order."""
    found = _described_by_faststream(version)
    heard = {(hearing.service, hearing.event) for hearing in hearings}
    return {
        "asyncapi": found["asyncapi"],
        "info": found["info"],
        "defaultContentType": found["defaultContentType"],
        "servers": found["servers"],
        "channels": {topic(service): _channel(service, found) for service in services()},
        "operations": dict(_operations(heard)),
        "components": {
            "messages": {name: _message(event, found) for name, event in sorted(EVENTS.items())},
            "schemas": dict(sorted(found["components"]["schemas"].items())) | {"Headers": _headers()},
        },
    }


def _described_by_faststream(version: str) -> Json:
    broker = KafkaBroker(
        specification_url="localhost:9092", description="Any Kafka 4 or broker that speaks its protocol; a setting."
    )
    for event in EVENTS.values():
        broker.publisher(topic(event.owner), title=event.__name__, description=event.__doc__, schema=event)
    document: Json = (
        AsyncAPI(broker, title="Presswork", version=version, description=ABOUT, schema_version="3.0.0")
        .to_specification()
        .to_jsonable()
    )
    return document


def _channel(service: str, found: Json) -> Json:
    events = of(service)
    one: Json = found["channels"][events[0].__name__]
    return one | {
        "description": f"What the {service} service did.",
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
            for event in sorted(events, key=lambda event: event.__name__)
        },
    }


def _operations(heard: set[tuple[str, str]]) -> Iterable[tuple[str, Json]]:
    for owner in services():
        yield f"{owner}.sends", _operation("send", owner, {event.__name__ for event in of(owner)})
    for hearer in sorted({service for service, _ in heard}):
        for owner in services():
            events = {event for service, event in heard if service == hearer and EVENTS[event].owner == owner}
            if events and owner != hearer:  # its own events need no broker
                yield f"{hearer}.hears.{owner}", _operation("receive", owner, events)


def _operation(action: str, owner: str, events: set[str]) -> Json:
    channel = f"#/channels/{topic(owner)}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event}"} for event in sorted(events)],
    }


def _message(event: type[Event], found: Json) -> Json:
    message: Json = found["components"]["messages"][f"{event.__name__}:Message"]
    example = wire(event.__name__)
    return {
        "name": event.__name__,
        "title": event.__name__,
        "summary": event.__doc__,
        "contentType": CONTENT_TYPE.decode(),
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": message["payload"],
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
        "examples": [{"headers": {name: value.decode() for name, value in headers(example)}, "payload": sample(event)}],
    }


def _headers() -> Json:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": says} for name, says, _ in described()},
        "required": [name for name, _, always in described() if always],
    }
