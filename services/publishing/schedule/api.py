"""Slots and the calendar over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.publishing import queries as publishing_queries
from services.publishing.domain import slots as domain
from services.publishing.domain.connection import NO_CONNECTION
from services.publishing.schedule import queries
from services.publishing.schedule.schemas import Calendar, FreeSlot, NewSlot, Slot
from services.publishing.schemas import Job
from shared.decider import Invalid, NotFound
from shared.http.idempotency import Idempotency
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.local_time import zone

router = APIRouter(prefix="/api/v1", tags=["schedule"])

_LONGEST = 92  # days of a calendar
_MOST = 1000  # jobs of a calendar
_NO_SLOT = "There is no such slot; list your slots to see which there are."


@router.post("/slots", status_code=201)
async def add_slot(body: NewSlot, request: Request, user: CurrentUser, idempotency: Idempotency) -> Slot:
    """Name a time of the week. Posts take the next free one with `"publish": {"next_free_slot": true}`."""
    kit = kit_of(request)
    zone(body.time_zone)
    async with kit.database.reading(user.user_id) as connection:
        if body.connection_id is not None:
            found = await publishing_queries.connection(connection, body.connection_id)
            if found is None or found["platform"] != body.platform:
                raise NotFound(NO_CONNECTION)
    days, at = frozenset(body.weekdays), time.fromisoformat(body.local_time)
    slot = domain.Slot(body.platform, body.connection_id, days, at, body.time_zone)
    slot_id = idempotency.id()
    await idempotency.handle(domain.AddSlot(slot_id, user.user_id, slot), actor=user.user_id)
    async with kit.database.reading(user.user_id) as connection:
        row = await queries.slot(connection, slot_id)
    if row is None:
        raise NotFound(_NO_SLOT)
    return Slot(**row)


@router.get("/slots")
async def list_slots(request: Request, user: CurrentUser) -> list[Slot]:
    """Your slots, oldest first: at most 100."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        return [Slot(**row) for row in await queries.slots(connection, user.user_id)]


@router.get("/slots/next")
async def next_slot(
    request: Request,
    user: CurrentUser,
    platform: Annotated[str, Query(max_length=20)],
    connection_id: Annotated[UUID | None, Query(description="Null: the platform's default one.")] = None,
) -> FreeSlot:
    """The next time that no post has yet. Asking takes nothing."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        slots = _slots(await queries.slots(connection, user.user_id))
        situation = await queries.situation(connection, user.user_id, platform, None)
    wanted = (platform, connection_id, situation["default_id"])
    found = domain.next_free(slots, (), wanted, set(situation["busy"]), datetime.now(UTC))
    if found is None:
        raise NotFound(f"You have no free slot for {platform}; add one at /api/v1/slots.")
    return _free(found[0], slots[found[0]], found[1])


@router.delete("/slots/{slot_id}", status_code=204)
async def remove_slot(slot_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Take a slot away. Posts that have its times keep them."""
    kit = kit_of(request)
    await kit.handle(domain.RemoveSlot(slot_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.get("/calendar")
async def calendar(
    request: Request,
    user: CurrentUser,
    from_: Annotated[date, Query(alias="from", description="First day.")],
    to: Annotated[date, Query(description="Last day.")],
    time_zone: Annotated[str, Query(max_length=64, description="IANA name of the zone whose days they are.")] = "UTC",
) -> Calendar:
    """What went out and what is to go out on these days, at most 92, and the slots that are still free."""
    if not 0 <= (to - from_).days < _LONGEST:
        raise Invalid(f"`to` is no day before `from`, and a calendar has at most {_LONGEST} days.")
    here = zone(time_zone)
    try:
        begins = datetime.combine(from_, time(), here).astimezone(UTC)
        ends = datetime.combine(to + timedelta(days=1), time(), here).astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{to} is out of reach; choose other days.") from None
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        jobs = await queries.calendar(connection, user.user_id, begins, ends, _MOST + 1)
        slots = _slots(await queries.slots(connection, user.user_id))
        defaults = await queries.defaults(connection, user.user_id)
    return Calendar(
        from_=from_,
        to=to,
        time_zone=time_zone,
        jobs=[Job(**row) for row in jobs[:_MOST]],
        complete=len(jobs) <= _MOST,
        free_slots=_free_between(slots, jobs, defaults, max(begins, datetime.now(UTC)), ends),
    )


def _free_between(
    slots: dict[UUID, domain.Slot], jobs: list[Any], defaults: dict[str, UUID], begins: datetime, ends: datetime
) -> list[FreeSlot]:
    taken = {
        (job["platform"], job["connection_id"] or defaults.get(job["platform"]), job["scheduled_for"]) for job in jobs
    }
    free = [
        _free(slot_id, slot, moment)
        for slot_id, slot in slots.items()
        for moment in slot.moments(begins, ends - timedelta(microseconds=1))
        if (slot.platform, slot.connection_id or defaults.get(slot.platform), moment) not in taken
    ]
    return sorted(free, key=lambda each: (each.at, each.slot_id))


def _slots(rows: list[Any]) -> dict[UUID, domain.Slot]:
    return {
        row["id"]: domain.Slot(
            row["platform"],
            row["connection_id"],
            frozenset(row["weekdays"]),
            time.fromisoformat(row["local_time"]),
            row["time_zone"],
        )
        for row in rows
    }


def _free(slot_id: UUID, slot: domain.Slot, at: datetime) -> FreeSlot:
    return FreeSlot(
        slot_id=slot_id, platform=slot.platform, connection_id=slot.connection_id, at=at, time_zone=slot.time_zone
    )
