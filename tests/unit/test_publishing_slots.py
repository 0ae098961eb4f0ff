"""Recurring slots: the next free time, whatever the clocks do, and each time for one job."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.publishing import (
    JobFailed,
    JobPublished,
    JobQueued,
    JobRescheduled,
    SlotAdded,
    SlotFreed,
    SlotRefused,
    SlotRemoved,
    SlotTaken,
)
from services.publishing.domain import job, slots
from services.publishing.domain.commands import RefuseJob, RescheduleJob
from services.publishing.domain.slots import MOST, AddSlot, FreeSlot, RemoveSlot, RemoveSlotsOf, Slot, TakeSlot
from shared.decider import Conflict, Invalid, NotFound
from tests.deciding import Deciding, deciding

USER, SLOT, OTHER, CONNECTION, WORKFLOW, DRAFT = (UUID(int=number) for number in (1, 11, 12, 21, 31, 41))
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONDAYS = frozenset({1})
EVERY_DAY = frozenset(range(1, 8))


def slot(at: str = "09:00", days: frozenset[int] = MONDAYS, zone: str = "UTC", platform: str = "x") -> Slot:
    return Slot(platform, None, days, time.fromisoformat(at), zone)


def having(*found: Slot) -> Deciding:
    history = deciding(slots.decider)
    for number, each in enumerate(found):
        history = history.when(AddSlot(UUID(int=SLOT.int + number), USER, each)).then_types(SlotAdded)
    return history


def take(number: int = 1, **more: Any) -> TakeSlot:
    wanted: dict[str, Any] = {"platform": "x", "connection_id": None, "default_id": CONNECTION, "now": SUNDAY}
    ids = {"job_id": UUID(int=100 + number), "workflow_id": WORKFLOW, "user_id": USER, "draft_id": DRAFT}
    return TakeSlot(**{**wanted, **ids, "busy": frozenset(), **more})


def time_of(history: Deciding, command: TakeSlot) -> datetime:
    (event,) = history.when(command).events
    assert isinstance(event, SlotTaken)
    return event.scheduled_for


def test_posts_take_one_time_each_in_order() -> None:
    history, found = having(slot(), slot("18:30", frozenset({1, 3}))), []
    for number in range(4):
        found.append(time_of(history, take(number)))
        history = history.when(take(number)).then_types(SlotTaken)
    assert [f"{moment:%d %H:%M}" for moment in found] == ["02 09:00", "02 18:30", "04 18:30", "09 09:00"]
    history.when(take(0)).then_nothing()


@pytest.mark.parametrize(
    ("zone", "at", "now", "expected"),
    [
        ("Europe/Berlin", "09:00", "2026-03-28T12:00Z", "2026-03-29T07:00Z"),  # an hour earlier than the day before
        ("Europe/Berlin", "09:00", "2026-10-24T12:00Z", "2026-10-25T08:00Z"),
        ("Europe/Berlin", "02:30", "2026-03-28T12:00Z", "2026-03-29T01:30Z"),  # skipped: 03:30
        ("Europe/Berlin", "02:30", "2026-10-24T12:00Z", "2026-10-25T00:30Z"),  # twice: the first
        ("America/New_York", "23:30", "2026-03-08T03:00Z", "2026-03-08T04:30Z"),
        ("Pacific/Kiritimati", "00:15", "2026-03-01T12:00Z", "2026-03-02T10:15Z"),
        ("Asia/Kolkata", "09:00", "2026-03-01T03:30Z", "2026-03-02T03:30Z"),  # not the moment itself
    ],
)
def test_a_slot_keeps_its_time_of_the_day(zone: str, at: str, now: str, expected: str) -> None:
    when = datetime.fromisoformat(now)
    found = time_of(having(slot(at, EVERY_DAY, zone)), take(now=when))
    assert found == datetime.fromisoformat(expected)


def test_a_time_that_another_post_has_anyway_is_not_free() -> None:
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert time_of(having(slot()), take(busy=frozenset({first}))) == first + timedelta(weeks=1)


def test_a_slot_is_for_its_account() -> None:
    of_account = Slot("x", CONNECTION, MONDAYS, time(9), "UTC")
    for asked, default, suits in ((CONNECTION, None, True), (None, CONNECTION, True), (None, OTHER, False)):
        command = take(connection_id=asked, default_id=default)
        having(of_account).when(command).then_types(SlotTaken if suits else SlotRefused)
    having(slot()).when(take(connection_id=OTHER)).then_types(SlotRefused)
    having(slot()).when(take(connection_id=CONNECTION)).then_types(SlotTaken)
    having(slot(platform="linkedin")).when(take()).then_types(SlotRefused)


def test_without_a_free_time_the_user_is_told() -> None:
    refused = deciding(slots.decider).when(take())
    (event,) = refused.events
    assert isinstance(event, SlotRefused)
    assert "Add one at /api/v1/slots" in event.reason
    deciding(slots.decider).when(take(moved=True)).then_refused(Invalid, "Add one")


def test_a_time_that_is_given_back_is_free_again() -> None:
    history = having(slot()).when(take()).then_types(SlotTaken)
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    history.when(FreeSlot(UUID(int=101), USER, kept=first)).then_nothing()
    freed = history.when(FreeSlot(UUID(int=101), USER)).then_types(SlotFreed)
    freed.when(FreeSlot(UUID(int=101), USER)).then_nothing()
    assert time_of(freed, take(2)) == first
    assert time_of(history, take(2)) == first + timedelta(weeks=1)


def test_what_was_taken_long_ago_is_forgotten() -> None:
    history = having(slot()).when(take()).then_types(SlotTaken)
    later = history.when(take(2, now=SUNDAY + timedelta(days=400))).then_types(SlotTaken)
    assert set(later.state.taken) == {UUID(int=102)}


def test_a_slot_is_added_once_and_removed_once() -> None:
    history = having(slot(days=frozenset({1, 2})))
    history.when(AddSlot(SLOT, USER, slot())).then_nothing()
    history.when(AddSlot(OTHER, USER, slot(days=frozenset({2, 3})))).then_refused(Conflict, "already")
    history.when(AddSlot(OTHER, USER, slot(days=frozenset({3})))).then_types(SlotAdded)
    gone = history.when(RemoveSlot(SLOT, USER)).then_types(SlotRemoved)
    gone.when(RemoveSlot(SLOT, USER)).then_nothing()
    gone.when(RemoveSlot(OTHER, USER)).then_refused(NotFound)


def test_slots_go_with_their_connection() -> None:
    history = having(slot(), Slot("x", CONNECTION, MONDAYS, time(9), "UTC"))
    gone = history.when(RemoveSlotsOf(CONNECTION, USER)).then_types(SlotRemoved)
    assert set(gone.state.present) == {SLOT}


def test_there_is_an_end_to_slots() -> None:
    times = [f"{number // 60:02}:{number % 60:02}" for number in range(MOST + 1)]
    full = having(*(slot(each) for each in times[:MOST]))
    full.when(AddSlot(UUID(int=999), USER, slot(times[MOST]))).then_refused(Conflict, "the most")


def test_a_job_without_a_time_fails_and_can_be_given_one() -> None:
    refuse = RefuseJob(UUID(int=101), WORKFLOW, USER, "x", DRAFT, None, "No slot.")
    failed = deciding(job.decider).when(refuse).then_types(JobQueued, JobFailed)
    failed.when(refuse).then_nothing()
    move = RescheduleJob(UUID(int=101), USER, WORKFLOW, SUNDAY + timedelta(days=1), "UTC", SUNDAY)
    moved = failed.when(move).then_types(JobRescheduled)
    assert (moved.state.status, moved.state.turn) == ("scheduled", 2)


def test_a_job_that_may_be_out_already_gets_no_other_time() -> None:
    of_job: dict[str, Any] = {"job_id": UUID(int=101), "workflow_id": WORKFLOW, "user_id": USER, "platform": "x"}
    of_job["draft_id"] = DRAFT
    move = RescheduleJob(UUID(int=101), USER, WORKFLOW, SUNDAY + timedelta(days=1), "UTC", SUNDAY)
    queued = deciding(job.decider).given(JobQueued(**of_job))
    unknown = queued.given(JobFailed(**of_job, error_class="outcome_unknown", reason="Look."))
    unknown.when(move).then_refused(Conflict, "failed")
    out = {"platform_post_id": "1", "url": "https://x.com/1", "published_at": SUNDAY}
    queued.given(JobPublished(**of_job, **out)).when(move).then_refused(Conflict, "published")
