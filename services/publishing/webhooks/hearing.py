"""What is heard becomes deliveries, in the transaction that hears it; and none are kept of a webhook that is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from contracts.envelope import Event
from contracts.events.webhooks import WebhookEvent, WebhookRemoved
from services.publishing.webhooks.catalogue import TOLD, WITHOUT, patterns_of
from shared.reactions import Call, on, overhear

# Whoever has no webhook does not pay for them.
SOMEBODY_LISTENS = "SELECT EXISTS (SELECT FROM webhooks WHERE is_active)"


@overhear(TOLD, SOMEBODY_LISTENS)
def tell(event: Any) -> Call | None:
    if event.user_id is None:
        return None
    event_type = TOLD[type(event)]
    row = {
        "event_id": event.meta.event_id,
        "user_id": event.user_id,
        "type": event_type,
        "patterns": patterns_of(event_type),
        "story": story_of(event),
        "at": event.meta.recorded_at,
        "body": body_of(event, event_type).decode(),
        "not_to": event.webhook_id if isinstance(event, WebhookEvent) else None,
    }
    return Call("tell_webhooks", row)


@on(WebhookRemoved)
def forget(event: WebhookRemoved) -> Call:
    return Call("forget_webhooks", {"webhook_id": event.webhook_id})


def story_of(event: Any) -> UUID:
    """What a receiver hears in order: all of a workflow or of an execution, else of the event's stream."""
    for name in ("workflow_id", "execution_id"):
        if (found := getattr(event, name, None)) is not None:
            return UUID(str(found))
    stream_id: UUID = event.meta.stream_id
    return stream_id


def body_of(event: Event, event_type: str) -> bytes:
    """What is sent, as Standard Webhooks asks: {type, timestamp, data}, data being what the event says in public."""
    data = event.public_json()
    if not WITHOUT.isdisjoint(type(event).model_fields):
        data = event.__pydantic_serializer__.to_json(event, exclude=set(event.private_fields) | WITHOUT)
    timestamp = event.meta.recorded_at.isoformat().replace("+00:00", "Z")
    return orjson.dumps({"type": event_type, "timestamp": timestamp, "data": orjson.Fragment(data)})
