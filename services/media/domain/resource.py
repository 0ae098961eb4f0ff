"""A resource: a style sample, a reference or an image description that a user gives to the engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args
from uuid import UUID

from contracts.envelope import Event
from contracts.events.media import ResourceAdded, ResourceRemoved
from shared.decider import Conflict, Decider, Invalid, NotFound

ResourceType = Literal["style_sample", "reference", "image"]
MAX_CONTENT_BYTES = 200_000  # of UTF-8; an event holds 256 KB


@dataclass(frozen=True, slots=True)
class Resource:
    status: Literal["absent", "there", "removed"] = "absent"
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AddResource:
    resource_id: UUID
    user_id: UUID
    type: str
    content: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveResource:
    resource_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class DiscardResource:
    """The resource goes with its user; one that is gone already is no error."""

    resource_id: UUID


Command = AddResource | RemoveResource | DiscardResource


def decide(command: Command, resource: Resource) -> Sequence[Event]:
    """The events that follow. Raises Invalid, Conflict for a resource removed before, NotFound for a foreign one."""
    match command:
        case AddResource():
            return _add(command, resource)
        case RemoveResource(resource_id=resource_id, user_id=user_id):
            if resource.user_id != user_id:
                raise NotFound("There is no such resource; list your resources to see which there are.")
            if resource.status == "removed":
                return []
            return [ResourceRemoved(resource_id=resource_id, user_id=user_id)]
        case DiscardResource(resource_id=resource_id):
            if resource.status != "there" or resource.user_id is None:
                return []
            return [ResourceRemoved(resource_id=resource_id, user_id=resource.user_id)]


def _add(command: AddResource, resource: Resource) -> Sequence[Event]:
    if command.type not in get_args(ResourceType):
        raise Invalid(f"{command.type!r} is no type of resource; use one of {', '.join(get_args(ResourceType))}.")
    if not command.content.strip():
        raise Invalid("The resource is empty; send some content.")
    if (size := len(command.content.encode())) > MAX_CONTENT_BYTES:
        raise Invalid(f"The content has {size:,} bytes; send at most {MAX_CONTENT_BYTES:,}, or upload it as a file.")
    if resource.status == "removed":
        raise Conflict("The resource was removed; add it again under a new Idempotency-Key.", current="removed")
    if resource.status == "there":
        return []
    return [
        ResourceAdded(
            resource_id=command.resource_id,
            user_id=command.user_id,
            type=command.type,
            content=command.content,
            metadata=dict(command.metadata),
        )
    ]


def evolve(resource: Resource, event: Event) -> Resource:
    """The resource after the event."""
    match event:
        case ResourceAdded():
            return Resource("there", event.user_id)
        case ResourceRemoved():
            return replace(resource, status="removed")
        case _:
            return resource


decider: Decider[Resource] = Decider(
    stream="resource",
    initial=Resource(),
    decide=decide,
    evolve=evolve,
    commands=(AddResource, RemoveResource, DiscardResource),
    stream_id=lambda command: command.resource_id,
    creating=(AddResource,),
)
