"""What each header of a message says."""

from __future__ import annotations

from contracts.envelope import Wire, headers
from deploy.docs.samples import wire

SAYS = {
    "ce_specversion": "CloudEvents version, always 1.0",
    "ce_id": "the event's id, a UUIDv7; heard twice means delivered twice",
    "ce_source": "`/presswork/` and the owning service",
    "ce_type": "the event's name",
    "ce_time": "when it was recorded, ISO 8601 with offset",
    "ce_subject": "the stream's id, a UUID; also the message key",
    "ce_streamtype": "the kind of stream",
    "ce_streamversion": "its number in the stream, from 1 without gaps",
    "ce_schemaversion": "version of the data's schema",
    "ce_correlationid": "one UUID for all that a request set off",
    "ce_transaction": "the transaction that stored it; with the position, the owner's commit order",
    "ce_position": "position in the owner's store",
    "ce_epoch": "grows each time the relay refills an emptied broker",
    "ce_partitions": "how many partitions the topic had",
    "ce_previous": "`transaction.position` of the event before it in this partition: who has not heard that one waits",
    "content-type": "media type of the value",
    "ce_causationid": "the event that caused it, a UUID; absent when a request did",
    "ce_actor": "the user on whose behalf it happened, a UUID; absent for the system's own work",
    "traceparent": "W3C trace context of the recording; absent when nothing was traced",
}


def described() -> list[tuple[str, str, bool]]:
    """Name, meaning and whether always there, of each header the envelope writes. Raises KeyError for an unknown."""
    full, bare = _names(wire("DraftCreated")), _names(wire("DraftCreated", bare=True))
    return [(name, SAYS[name], name in bare) for name in full]


def _names(message: Wire) -> list[str]:
    return [name for name, _ in headers(message)]
