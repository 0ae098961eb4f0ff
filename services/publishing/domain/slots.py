"""A user's recurring times to post, and which of them are taken: each time by one job.

A slot is a local time in a zone, so it stays at that time of the day when the clocks change. A local time that the
clocks skip comes as much later as they skip; one that they repeat means its first occurrence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.envelope import Event
from contracts.events.publishing import SlotAdded, SlotFreed, SlotRefused, SlotRemoved, SlotTaken
from contracts.events.workflow import AttachedImage
from shared.decider import Conflict, Decider, Invalid, NotFound
from shared.ids import derive

MOST = 100  # slots of one user
HORIZON = 366  # days that a free slot is looked for


@dataclass(frozen=True, slots=True)
class Slot:
    """`weekdays` as in ISO 8601: 1 is Monday; without a connection it is for the platform's default one."""

    platform: str
    connection_id: UUID | None
    weekdays: frozenset[int]
    local_time: time
    time_zone: str

    def suits(self, platform: str, connection_id: UUID | None, default_id: UUID | None) -> bool:
        """Whether a post through this connection (None: the default) may go out in this slot."""
        account = connection_id or default_id
        return self.platform == platform and (self.connection_id or default_id) == account

    def on(self, day: date) -> datetime:
        """The moment of that day, in UTC."""
        local = datetime.combine(day, self.local_time, ZoneInfo(self.time_zone))  # fold 0: first, or moved on
        return local.astimezone(UTC)

    def moments(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """All moments after the one and until the other, in order."""
        day = after.astimezone(ZoneInfo(self.time_zone)).date()
        while (moment := self.on(day)) <= until:
            if day.isoweekday() in self.weekdays and moment > after:
                yield moment
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AddSlot:
    slot_id: UUID
    user_id: UUID
    slot: Slot


@dataclass(frozen=True, slots=True)
class RemoveSlot:
    slot_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RemoveSlotsOf:
    """The connection is gone."""

    connection_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class TakeSlot:
    """A job is to go out at the next free time; `busy` are times that others have anyway. `moved`: it waits already."""

    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None
    default_id: UUID | None
    busy: frozenset[datetime]
    now: datetime
    moved: bool = False
    media: tuple[AttachedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """The job goes out at another time, or not at all. `kept`: the time that it has now."""

    job_id: UUID
    user_id: UUID
    kept: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    present: Mapping[UUID, Slot] = field(default_factory=dict)
    removed: frozenset[UUID] = frozenset()
    taken: Mapping[UUID, tuple[UUID, datetime]] = field(default_factory=dict)  # by job


def next_free(
    slots: Mapping[UUID, Slot],
    taken: Collection[tuple[UUID, datetime]],
    wanted: tuple[str, UUID | None, UUID | None],
    busy: Collection[datetime],
    now: datetime,
) -> tuple[UUID, datetime] | None:
    """The first time that no other job has, and its slot. `wanted`: platform, connection or None, the default one."""
    until = now + timedelta(days=HORIZON)
    free = (
        next(((m, i) for m in slot.moments(now, until) if m not in busy and (i, m) not in taken), None)
        for i, slot in slots.items()
        if slot.suits(*wanted)
    )
    first = min((each for each in free if each is not None), default=None)
    return None if first is None else (first[1], first[0])


def decide(command: Any, slots: Slots) -> Sequence[Event]:
    match command:
        case AddSlot():
            return _add(command, slots)
        case RemoveSlot():
            if command.slot_id not in slots.present:
                if command.slot_id in slots.removed:
                    return []
                raise NotFound("There is no such slot; list your slots to see which there are.")
            return [SlotRemoved(slot_id=command.slot_id, user_id=command.user_id)]
        case RemoveSlotsOf():
            gone = [i for i, slot in slots.present.items() if slot.connection_id == command.connection_id]
            return [SlotRemoved(slot_id=slot_id, user_id=command.user_id) for slot_id in gone]
        case TakeSlot():
            return _take(command, slots)
        case FreeSlot():
            found = slots.taken.get(command.job_id)
            if found is None or found[1] == command.kept:
                return []
            return [SlotFreed(slot_id=found[0], user_id=command.user_id, job_id=command.job_id)]
        case _:
            return []


def _add(command: AddSlot, slots: Slots) -> list[Event]:
    if command.slot_id in slots.present or command.slot_id in slots.removed:
        return []
    if len(slots.present) >= MOST:
        raise Conflict(f"You have {MOST} slots, which is the most; remove one you no longer use.")
    new = command.slot
    for other in slots.present.values():
        same = (other.platform, other.connection_id, other.local_time, other.time_zone)
        if same == (new.platform, new.connection_id, new.local_time, new.time_zone) and other.weekdays & new.weekdays:
            raise Conflict("You have a slot at this time already; name other days, another time or another account.")
    return [
        SlotAdded(
            slot_id=command.slot_id,
            user_id=command.user_id,
            platform=new.platform,
            connection_id=new.connection_id,
            weekdays=tuple(sorted(new.weekdays)),
            local_time=f"{new.local_time:%H:%M}",
            time_zone=new.time_zone,
        )
    ]


def _take(command: TakeSlot, slots: Slots) -> list[Event]:
    if not command.moved and command.job_id in slots.taken:
        return []
    wanted = (command.platform, command.connection_id, command.default_id)
    found = next_free(slots.present, set(slots.taken.values()), wanted, command.busy, command.now)
    of_job: dict[str, Any] = {
        "user_id": command.user_id,
        "job_id": command.job_id,
        "workflow_id": command.workflow_id,
        "platform": command.platform,
        "draft_id": command.draft_id,
        "connection_id": command.connection_id,
        "media": command.media,
    }
    if found is None:
        reason = (
            f"You have no free slot for {command.platform} within a year. Add one at /api/v1/slots, "
            "then reschedule the job to the next free one."
        )
        if command.moved:
            raise Invalid(reason)
        return [SlotRefused(**of_job, reason=reason)]
    slot_id, moment = found
    zone = slots.present[slot_id].time_zone
    return [SlotTaken(**of_job, slot_id=slot_id, scheduled_for=moment, time_zone=zone, moved=command.moved)]


def evolve(slots: Slots, event: Event) -> Slots:
    present, taken = dict(slots.present), dict(slots.taken)
    match event:
        case SlotAdded():
            at = time.fromisoformat(event.local_time)
            days = frozenset(event.weekdays)
            present[event.slot_id] = Slot(event.platform, event.connection_id, days, at, event.time_zone)
        case SlotRemoved():
            present.pop(event.slot_id, None)
            return Slots(present, slots.removed | {event.slot_id}, taken)
        case SlotTaken():
            # What was taken long before needs no remembering: no job can get it any more.
            since = event.scheduled_for - timedelta(days=HORIZON + 1)
            taken = {job_id: found for job_id, found in taken.items() if found[1] > since}
            taken[event.job_id] = event.slot_id, event.scheduled_for
        case SlotFreed():
            taken.pop(event.job_id, None)
        case _:
            return slots
    return Slots(present, slots.removed, taken)


decider: Decider[Slots] = Decider(
    stream="slot",
    initial=Slots(),
    decide=decide,
    evolve=evolve,
    commands=(AddSlot, RemoveSlot, RemoveSlotsOf, TakeSlot, FreeSlot),
    # One stream a user, so that no time is given to two jobs.
    stream_id=lambda command: derive("slots", command.user_id),
)
