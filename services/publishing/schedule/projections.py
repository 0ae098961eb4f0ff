"""Rows of slots."""

from __future__ import annotations

from datetime import datetime

from contracts.events.publishing import SlotAdded, SlotRemoved
from shared.projection import RowChange, delete, insert, projects


@projects(SlotAdded)
def add_slot(event: SlotAdded, at: datetime) -> RowChange:
    return insert(
        "slots",
        id=event.slot_id,
        user_id=event.user_id,
        platform=event.platform,
        connection_id=event.connection_id,
        weekdays=list(event.weekdays),
        local_time=event.local_time,
        time_zone=event.time_zone,
        created_at=at,
    )


@projects(SlotRemoved)
def remove_slot(event: SlotRemoved, at: datetime) -> RowChange:
    return delete("slots", id=event.slot_id)
