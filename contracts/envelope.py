"""What every event carries, and how it looks on the wire: CloudEvents 1.0, binary mode, on Kafka.

Source: CloudEvents 1.0.2 and its Kafka protocol binding (attributes as `ce_*` headers, the data alone as the value).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

CONTENT_TYPE = b"application/json"
MAX_EVENT_BYTES = 256 * 1024

_T = TypeVar("_T")


class PrivateField:
    """Marks a field that stays in its owner's store, encrypted: it is never relayed."""


Private = Annotated[_T | None, PrivateField()]


@dataclass(frozen=True, slots=True)
class Meta:
    """Where an event stands and why it came to be."""

    event_id: UUID
    stream_type: str
    stream_id: UUID
    version: int  # 1 for the first event of a stream
    recorded_at: datetime
    correlation_id: UUID
    causation_id: UUID | None = None
    actor: UUID | None = None  # the user on whose behalf it happened
    traceparent: str | None = None


class Mark(NamedTuple):
    """A place in a service's own order of events: commit order first, then position."""

    transaction_id: int
    position: int


START = Mark(0, 0)


class Event(BaseModel):
    """A fact in the past tense. Readers ignore fields they do not know, so adding an optional field breaks nobody."""

    # a rejected value may be private, so errors do not repeat it
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    owner: ClassVar[str]
    stream: ClassVar[str]
    schema_version: ClassVar[int] = 1
    private_fields: ClassVar[frozenset[str]] = frozenset()

    # A slot, not a private attribute of pydantic's: that would cost more than reading the rest of the event.
    __slots__ = ("_meta",)
    if TYPE_CHECKING:
        _meta: Meta

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        private = {name: field for name, field in cls.model_fields.items() if _is_private(field)}
        cls.private_fields = frozenset(private)
        for field in private.values():
            field.repr = False  # so that no log line shows it

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of what may travel: private fields are in no generated document."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name in cls.private_fields:
            properties.pop(name, None)
        return schema

    @property
    def meta(self) -> Meta:
        """Present on every event that was stored or heard; a just decided event has none yet."""
        try:
            return self._meta
        except AttributeError:
            message = f"{type(self).__name__} is not stored yet, so it has no place in a stream."
            raise LookupError(message) from None

    def at(self, meta: Meta) -> Self:
        """The same event, knowing its place."""
        object.__setattr__(self, "_meta", meta)  # an event is frozen
        return self

    def public_json(self) -> bytes:
        """The fields that may travel."""
        if self.private_fields:
            return self.__pydantic_serializer__.to_json(self, exclude=set(self.private_fields))
        return self.__pydantic_serializer__.to_json(self)

    def private_json(self) -> bytes | None:
        """The fields that stay at home, or None when there are none."""
        if not self.private_fields:
            return None
        return self.__pydantic_serializer__.to_json(self, include=set(self.private_fields))


def _is_private(field: FieldInfo) -> bool:
    return any(isinstance(item, PrivateField) for item in field.metadata)


@dataclass(frozen=True, slots=True)
class Wire:
    """One message as it travels: the envelope's attributes and the untouched data."""

    meta: Meta
    type: str
    schema_version: int
    source: str  # the owning service
    mark: Mark
    epoch: int  # grows when the relay refills an emptied broker
    data: bytes
    partitions: int = 1  # of the topic when it was sent
    previous: Mark = START  # nothing of this partition lies between there and here: who has not heard so far waits


Headers = list[tuple[str, bytes]]


def headers(wire: Wire) -> Headers:
    """The Kafka headers of a message; the value is `wire.data`, the key the stream id."""
    meta = wire.meta
    found: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(meta.event_id).encode()),
        ("ce_source", b"/presswork/" + wire.source.encode()),
        ("ce_type", wire.type.encode()),
        ("ce_time", meta.recorded_at.isoformat().encode()),
        ("ce_subject", str(meta.stream_id).encode()),
        ("ce_streamtype", meta.stream_type.encode()),
        ("ce_streamversion", b"%d" % meta.version),
        ("ce_schemaversion", b"%d" % wire.schema_version),
        ("ce_correlationid", str(meta.correlation_id).encode()),
        ("ce_transaction", b"%d" % wire.mark.transaction_id),
        ("ce_position", b"%d" % wire.mark.position),
        ("ce_epoch", b"%d" % wire.epoch),
        ("ce_partitions", b"%d" % wire.partitions),
        ("ce_previous", b"%d.%d" % (wire.previous.transaction_id, wire.previous.position)),
        ("content-type", CONTENT_TYPE),
    ]
    if meta.causation_id is not None:
        found.append(("ce_causationid", str(meta.causation_id).encode()))
    if meta.actor is not None:
        found.append(("ce_actor", str(meta.actor).encode()))
    if meta.traceparent is not None:
        found.append(("traceparent", meta.traceparent.encode()))
    return found


class MalformedMessage(ValueError):
    """A message that is no CloudEvent of ours; the text says what is missing."""


class Glance(NamedTuple):
    """What tells whether a message is of any interest: where it stands in its partition, and its type."""

    type: str
    mark: Mark
    previous: Mark
    epoch: int
    partitions: int


def glance(got: Mapping[str, bytes]) -> Glance:
    """The same of a message's headers, at a fraction of what reading all of it costs. Raises MalformedMessage."""
    try:
        return Glance(
            got["ce_type"].decode(),
            Mark(int(got["ce_transaction"]), int(got["ce_position"])),
            _mark(got["ce_previous"]),
            int(got["ce_epoch"]),
            int(got["ce_partitions"]),
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:  # the last two: Kafka allows null headers
        raise _malformed(error) from error


def parse(pairs: Iterable[tuple[str, bytes]], value: bytes | None) -> Wire:
    """A message as heard. Raises MalformedMessage when an attribute is missing or unreadable."""
    got = dict(pairs)
    return read(got, value, glance(got))


def read(got: Mapping[str, bytes], value: bytes | None, seen: Glance) -> Wire:
    """The same of headers that were glanced at."""
    try:
        causation, actor, trace = got.get("ce_causationid"), got.get("ce_actor"), got.get("traceparent")
        return Wire(
            meta=Meta(
                event_id=UUID(got["ce_id"].decode()),
                stream_type=got["ce_streamtype"].decode(),
                stream_id=UUID(got["ce_subject"].decode()),
                version=int(got["ce_streamversion"]),
                recorded_at=datetime.fromisoformat(got["ce_time"].decode()),
                correlation_id=UUID(got["ce_correlationid"].decode()),
                causation_id=UUID(causation.decode()) if causation else None,
                actor=UUID(actor.decode()) if actor else None,
                traceparent=trace.decode() if trace else None,
            ),
            type=seen.type,
            schema_version=int(got["ce_schemaversion"]),
            source=got["ce_source"].decode().rpartition("/")[2],
            mark=seen.mark,
            epoch=seen.epoch,
            data=value or b"",
            partitions=seen.partitions,
            previous=seen.previous,
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> MalformedMessage:
    return MalformedMessage(f"The message is no CloudEvent of Presswork: {error!r}.")


def _mark(text: bytes) -> Mark:
    transaction_id, _, position = text.partition(b".")
    return Mark(int(transaction_id), int(position))


def topic(service: str) -> str:
    """Where a service's events travel."""
    return f"presswork.{service}"
