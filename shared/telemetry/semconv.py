"""Names and attributes of spans by the OpenTelemetry semantic conventions, in one place, as plain dictionaries."""

from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue

from shared.telemetry.context import CORRELATION_ATTRIBUTE

EVENT_TYPE = "presswork.event_type"
STREAM_ID = "presswork.stream_id"
KNOWN_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def send_name(topic: str) -> str:
    """The name of the PRODUCER span of a message: `send presswork.workflow`."""
    return f"send {topic}"


def process_name(event_type: str) -> str:
    """The name of the CONSUMER span of an event: `process DraftCreated`."""
    return f"process {event_type}"


def sending(
    topic: str, *, event_id: str, event_type: str, stream_id: str, correlation: str | None = None
) -> dict[str, AttributeValue]:
    """Attributes of publishing one event to a Kafka topic."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "messaging.message.id": event_id,
        EVENT_TYPE: event_type,
        STREAM_ID: stream_id,
    }
    if correlation is not None:
        attributes[CORRELATION_ATTRIBUTE] = correlation
    return attributes


def processing(
    topic: str,
    *,
    group: str,
    partition: int,
    offset: int,
    event_id: str,
    event_type: str,
    stream_id: str,
    correlation: str | None = None,
) -> dict[str, AttributeValue]:
    """Attributes of handling one heard event in a consumer group."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
        "messaging.consumer.group.name": group,
        "messaging.message.id": event_id,
        EVENT_TYPE: event_type,
        STREAM_ID: stream_id,
    }
    if correlation is not None:
        attributes[CORRELATION_ATTRIBUTE] = correlation
    return attributes


def asking_name(model: str) -> str:
    """The name of the CLIENT span of a question to a language model: `chat small`."""
    return f"chat {model}"


def asking(model: str, *, api: str, host: str) -> dict[str, AttributeValue]:
    """Attributes of a question to a language model."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": api,
        "gen_ai.request.model": model,
        "server.address": host,
    }


def answered(input_tokens: int, output_tokens: int) -> dict[str, AttributeValue]:
    """Attributes to add when a language model has answered."""
    return {"gen_ai.usage.input_tokens": input_tokens, "gen_ai.usage.output_tokens": output_tokens}


def http_method(method: str) -> str:
    """The method as a bounded label: itself when known, else `_OTHER`."""
    return method if method in KNOWN_METHODS else "_OTHER"


def http_calling(method: str, *, host: str, port: int | None, template: str | None = None) -> dict[str, AttributeValue]:
    """Attributes of an outgoing HTTP request; the query, which may hold secrets, is never among them."""
    attributes: dict[str, AttributeValue] = {"http.request.method": http_method(method), "server.address": host}
    if port is not None:
        attributes["server.port"] = port
    if template is not None:
        attributes["url.template"] = template
    return attributes


def http_answered(status: int) -> Mapping[str, AttributeValue]:
    """Attributes to add when the answer to an outgoing request is there; 4xx and 5xx are errors for the caller."""
    return (
        {"http.response.status_code": status}
        if status < 400
        else {"http.response.status_code": status, "error.type": str(status)}
    )
