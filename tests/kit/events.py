"""The events of two tiny services, and their registry: this module itself.

`PRESSWORK_KIT_NAME` tells the services of one test from those of another on the same broker.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event, Meta, Wire

NAME = os.environ.get("PRESSWORK_KIT_NAME", "")
TILL = f"till{NAME}"
LEDGER = f"ledger{NAME}"


class Paid(Event):
    """A customer paid; payments are numbered by the customer, from 1."""

    owner: ClassVar[str] = TILL
    stream: ClassVar[str] = "customer"

    number: int
    amount: int
    receipt: dict[str, Any] = Field(default_factory=dict)  # how the receipt's worker behaves


class Closed(Event):
    """A till was closed for the day; nobody hears it."""

    owner: ClassVar[str] = TILL
    stream: ClassVar[str] = "customer"


class Posted(Event):
    """A payment was posted to the customer's account; the ledger takes it as it comes, twice if it comes twice."""

    owner: ClassVar[str] = LEDGER
    stream: ClassVar[str] = "account"

    customer_id: UUID
    number: int
    receipt: dict[str, Any] = Field(default_factory=dict)


class Receipted(Event):
    """The receipt is out."""

    owner: ClassVar[str] = LEDGER
    stream: ClassVar[str] = "account"

    number: int


class Refused(Event):
    """There will be no receipt."""

    owner: ClassVar[str] = LEDGER
    stream: ClassVar[str] = "account"

    number: int
    reason: str


EVENTS: dict[str, type[Event]] = {event.__name__: event for event in (Paid, Closed, Posted, Receipted, Refused)}


def knows(event_type: str) -> bool:
    return event_type in EVENTS


def decode(wire: Wire) -> Event:
    return restore(wire.type, wire.schema_version, wire.data, None, wire.meta)


def restore(event_type: str, schema_version: int, data: bytes | str, private: bytes | str | None, meta: Meta) -> Event:
    return EVENTS[event_type].model_validate_json(data).at(meta)
