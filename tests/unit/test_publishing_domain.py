"""What a publishing job allows, and what belongs together among a user's connections."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.generation import DraftCreated
from contracts.events.publishing import (
    ConnectionAdded,
    ConnectionRemoved,
    ConnectionUsed,
    JobCancelled,
    JobFailed,
    JobPostponed,
    JobPublished,
    JobQueued,
    JobRescheduled,
    JobRetried,
    JobScheduled,
    JobStarted,
)
from services.publishing.domain import commands as ask
from services.publishing.domain import connections, job
from services.publishing.domain.connections import MOST, AddConnection, NoteUse, RemoveConnection
from services.publishing.domain.job import StillRunning, Superseded
from services.publishing.projections import keep_the_text
from shared.decider import Conflict, Invalid, NotFound
from shared.projection import Insert
from tests.deciding import Deciding, deciding

given = deciding(job.decider).given
given_connections = deciding(connections.decider).given

JOB, WORKFLOW, USER, DRAFT, STRANGER = (UUID(int=number) for number in range(1, 6))
FIRST, SECOND, THIRD = (UUID(int=number) for number in range(11, 14))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER, MUCH_LATER = NOW + timedelta(hours=1), NOW + timedelta(days=3)
CALL, PAUSE = timedelta(seconds=60), timedelta(seconds=5)
COMMON: dict[str, Any] = {
    "job_id": JOB,
    "workflow_id": WORKFLOW,
    "user_id": USER,
    "platform": "x",
    "draft_id": DRAFT,
}

QUEUE = ask.QueueJob(JOB, WORKFLOW, USER, "x", DRAFT, FIRST)
SCHEDULE = ask.ScheduleJob(JOB, WORKFLOW, USER, "x", DRAFT, LATER, "Europe/Berlin")
LEASE, OTHER_LEASE = UUID(int=21), UUID(int=22)
START = ask.StartJob(JOB, 1, 1, LEASE, FIRST, NOW, CALL)
PUBLISHED = ask.RecordPublished(JOB, "17", "https://x.com/ada/status/17", NOW, {"ids": ["17"]})
RETRY = ask.RetryJob(JOB, USER, WORKFLOW)
CANCEL = ask.CancelJob(JOB, USER, WORKFLOW)
RESCHEDULE = ask.RescheduleJob(JOB, USER, WORKFLOW, MUCH_LATER, "Asia/Seoul", NOW)


def failure(error_class: Any, **more: Any) -> ask.RecordFailure:
    return ask.RecordFailure(JOB, error_class, "Something is wrong. Do this.", NOW, PAUSE, 3, **more)


def queued() -> Deciding:
    return given().when(QUEUE).then_types(JobQueued)


def scheduled() -> Deciding:
    return given().when(SCHEDULE).then_types(JobScheduled)


def started() -> Deciding:
    return queued().when(START).then_types(JobStarted)


def failed(error_class: Any = "bad_content") -> Deciding:
    return started().when(failure(error_class)).then_types(JobFailed)


def test_a_job_is_queued_once() -> None:
    given().when(QUEUE).then(JobQueued(**COMMON, connection_id=FIRST))
    queued().when(QUEUE).then_nothing()
    queued().when(SCHEDULE).then_nothing()


def test_a_job_is_scheduled_with_its_zone() -> None:
    given().when(SCHEDULE).then(JobScheduled(**COMMON, scheduled_for=LATER, time_zone="Europe/Berlin"))


def test_a_start_is_recorded_before_the_call() -> None:
    queued().when(START).then(
        JobStarted(**COMMON, attempt=1, turn=1, connection_id=FIRST, lease_id=LEASE, started_at=NOW)
    )
    scheduled().when(START).then_types(JobStarted)


def test_a_published_post_is_published_once() -> None:
    published = started().when(PUBLISHED).then_types(JobPublished)
    published.when(PUBLISHED).then_nothing()
    published.when(failure("transient")).then_nothing()
    published.when(START).then_refused(Superseded)
    published.when(RETRY).then_refused(Conflict, current="published")


def test_publication_says_where_the_post_stands_and_through_what_it_went() -> None:
    started().when(PUBLISHED).then(
        JobPublished(
            **COMMON,
            platform_post_id="17",
            url="https://x.com/ada/status/17",
            published_at=NOW,
            response={"ids": ["17"]},
            connection_id=FIRST,
        )
    )


def test_an_attempt_whose_end_nobody_knows_makes_the_next_one_look_first() -> None:
    later = replace(START, attempt=2, lease_id=OTHER_LEASE, now=NOW + CALL)
    resumed = started().when(later)
    resumed.then(
        JobStarted(
            **COMMON, attempt=2, turn=1, connection_id=FIRST, resumed=True, lease_id=OTHER_LEASE, started_at=NOW + CALL
        )
    )
    assert started().when(later).then_types(JobStarted).state.resumed


def test_while_an_earlier_call_may_still_go_on_nobody_begins() -> None:
    soon = replace(START, attempt=2, lease_id=OTHER_LEASE, now=NOW + CALL - timedelta(seconds=1))
    refusal = started().when(soon).then_refused(StillRunning)
    assert isinstance(refusal, StillRunning)
    assert refusal.until == NOW + CALL


def test_a_start_that_was_not_confirmed_is_recorded_once() -> None:
    started().when(replace(START, now=NOW + 2 * CALL)).then_nothing()
    postponed = started().when(failure("transient")).then_types(JobPostponed)
    postponed.when(replace(START, turn=2, lease_id=LEASE)).then_types(JobStarted)


def test_a_post_that_may_exist_is_looked_for_where_it_was_sent() -> None:
    elsewhere = replace(START, attempt=2, lease_id=OTHER_LEASE, connection_id=SECOND, now=NOW + CALL)
    assert started().when(elsewhere).then_types(JobStarted).state.connection_id == FIRST


def test_what_has_passed_is_tried_again_after_twice_the_pause_and_in_the_end_told() -> None:
    past = started()
    for turn, seconds in ((2, 5), (3, 10)):
        outcome = past.when(failure("transient"))
        outcome.then(
            JobPostponed(
                **COMMON,
                error_class="transient",
                reason="Something is wrong. Do this.",
                retry_at=NOW + timedelta(seconds=seconds),
                turn=turn,
            )
        )
        past = past.given(*outcome.events).when(replace(START, turn=turn)).then_types(JobStarted)
        assert not past.state.doubt
    past.when(failure("transient")).then_types(JobFailed)


def test_a_rate_limit_is_waited_for_and_never_used_up() -> None:
    past = started()
    for turn in range(2, 12):
        outcome = past.when(failure("rate_limited", retry_at=LATER))
        (postponed,) = outcome.events
        assert isinstance(postponed, JobPostponed)
        assert postponed.retry_at == LATER
        past = past.given(postponed).when(replace(START, turn=turn)).then_types(JobStarted)
        assert not past.state.resumed


@pytest.mark.parametrize("error_class", ["bad_content", "disconnected", "refresh_token", "outcome_unknown"])
def test_what_a_person_has_to_mend_fails_at_once(error_class: Any) -> None:
    reason = "Something is wrong. Do this."
    started().when(failure(error_class)).then(JobFailed(**COMMON, error_class=error_class, reason=reason))


def test_an_unknown_outcome_is_looked_up_later_where_the_platform_allows_it() -> None:
    past = started().when(failure("outcome_unknown", can_find=True)).then_types(JobPostponed)
    assert past.state.doubt
    again = past.when(replace(START, turn=2, connection_id=SECOND)).then_types(JobStarted)
    assert (again.state.resumed, again.state.doubt, again.state.connection_id) == (False, True, FIRST)


def test_the_task_of_an_earlier_turn_is_out_of_date() -> None:
    postponed = started().when(failure("transient")).then_types(JobPostponed)
    postponed.when(replace(START, attempt=2)).then_refused(Superseded)
    given().when(START).then_refused(Superseded)


def test_a_failed_job_is_retried_when_its_owner_asks() -> None:
    failed().when(RETRY).then(JobRetried(**COMMON, turn=2))
    failed().when(replace(RETRY, connection_id=SECOND)).then(JobRetried(**COMMON, turn=2, connection_id=SECOND))
    retried = failed().when(RETRY).then_types(JobRetried)
    retried.when(RETRY).then_nothing()
    retried.when(replace(START, turn=2)).then_types(JobStarted).when(PUBLISHED).then_types(JobPublished)


def test_a_retry_after_an_unknown_outcome_still_looks_but_uses_the_present_connection() -> None:
    retried = failed("outcome_unknown").when(RETRY).then_types(JobRetried)
    again = retried.when(replace(START, turn=2, connection_id=SECOND)).then_types(JobStarted).state
    assert (again.doubt, again.resumed, again.connection_id) == (True, False, SECOND)


def test_a_retry_counts_failures_anew() -> None:
    past = started()
    for turn in (2, 3):
        past = past.when(failure("transient")).then_types(JobPostponed)
        past = past.when(replace(START, turn=turn)).then_types(JobStarted)
    past = past.when(failure("transient")).then_types(JobFailed).when(RETRY).then_types(JobRetried)
    past.when(replace(START, turn=4)).then_types(JobStarted).when(failure("transient")).then_types(JobPostponed)


def test_only_what_waits_can_be_called_off() -> None:
    queued().when(CANCEL).then(JobCancelled(**COMMON, turn=1))
    scheduled().when(CANCEL).then_types(JobCancelled).when(CANCEL).then_nothing()
    started().when(CANCEL).then_refused(Conflict, current="publishing")
    failed().when(CANCEL).then_refused(Conflict, current="failed")
    queued().when(CANCEL).then_types(JobCancelled).when(START).then_refused(Superseded)


def test_only_what_waits_gets_another_time() -> None:
    expected = JobRescheduled(**COMMON, scheduled_for=MUCH_LATER, time_zone="Asia/Seoul", turn=2)
    queued().when(RESCHEDULE).then(expected)
    moved = scheduled().when(RESCHEDULE).then_types(JobRescheduled)
    moved.when(RESCHEDULE).then_nothing()
    moved.when(START).then_refused(Superseded)
    moved.when(replace(START, turn=2)).then_types(JobStarted)
    started().when(RESCHEDULE).then_refused(Conflict, current="publishing")
    queued().when(replace(RESCHEDULE, scheduled_for=NOW)).then_refused(Invalid, "has passed")


@pytest.mark.parametrize("command", [RETRY, CANCEL, RESCHEDULE])
def test_for_a_stranger_there_is_no_job(command: Any) -> None:
    failed().when(replace(command, user_id=STRANGER)).then_refused(NotFound)
    given().when(command).then_refused(NotFound)


def test_a_worker_that_broke_off_says_whether_anything_may_be_out() -> None:
    (unknown,) = started().when(ask.GiveUpJob(JOB)).events
    (nothing,) = queued().when(ask.GiveUpJob(JOB)).events
    assert isinstance(unknown, JobFailed)
    assert isinstance(nothing, JobFailed)
    assert (unknown.error_class, nothing.error_class) == ("outcome_unknown", "transient")
    started().when(PUBLISHED).then_types(JobPublished).when(ask.GiveUpJob(JOB)).then_nothing()


def adding(connection_id: UUID = FIRST, name: str = "Ada on X", **more: Any) -> AddConnection:
    options = {"platform": "x", "instance_url": "https://api.x.com", "username": None, "is_default": True} | more
    return AddConnection(connection_id, USER, name, settings={}, access_token="sealed", **options)


def added(*commands: AddConnection) -> Deciding:
    past = given_connections()
    for command in commands:
        past = past.when(command).then_types(ConnectionAdded)
    return past


def test_the_first_connection_is_the_default_whatever_was_asked() -> None:
    given_connections().when(adding(is_default=False)).then(
        ConnectionAdded(
            connection_id=FIRST,
            user_id=USER,
            name="Ada on X",
            platform_type="x",
            instance_url="https://api.x.com",
            is_default=True,
            access_token="sealed",
        )
    )


def test_a_new_default_replaces_the_one_before_on_its_platform_only() -> None:
    past = added(adding(), adding(THIRD, "Ada's page", platform="linkedin"), adding(SECOND, "Work"))
    (event,) = past.history[-1:]
    assert isinstance(event, ConnectionAdded)
    assert event.replaces_id == FIRST
    assert (past.state.default("x"), past.state.default("linkedin")) == (SECOND, THIRD)


def test_a_name_and_an_account_are_connected_once() -> None:
    past = added(adding(username="ada"))
    past.when(adding(username="ada")).then_nothing()
    past.when(adding(SECOND)).then_refused(Conflict, "choose another name")
    past.when(adding(SECOND, "Again", username="ada")).then_refused(Conflict, "connected already as 'Ada on X'")
    past.when(adding(SECOND, "Again", username="ada", instance_url="https://elsewhere.test")).then_types(
        ConnectionAdded
    )


def test_there_is_an_end_to_connections() -> None:
    past = added(*(adding(UUID(int=100 + number), f"Number {number}") for number in range(MOST)))
    past.when(adding(FIRST, "One more")).then_refused(Conflict, "remove one")


def test_when_the_default_goes_the_newest_of_the_platform_follows() -> None:
    past = added(adding(), adding(SECOND, "Work", is_default=False), adding(THIRD, "Page", platform="linkedin"))
    past.when(RemoveConnection(FIRST, USER)).then(
        ConnectionRemoved(connection_id=FIRST, user_id=USER, successor_id=SECOND)
    )
    past.when(RemoveConnection(SECOND, USER)).then(ConnectionRemoved(connection_id=SECOND, user_id=USER))
    gone = past.when(RemoveConnection(FIRST, USER)).then_types(ConnectionRemoved)
    assert gone.state.default("x") == SECOND
    gone.when(RemoveConnection(FIRST, USER)).then_nothing()
    gone.when(adding(FIRST)).then_nothing()
    gone.when(RemoveConnection(UUID(int=99), USER)).then_refused(NotFound)


def test_uses_are_noted_at_most_once_an_hour() -> None:
    past = added(adding())
    used = past.when(NoteUse(FIRST, USER, NOW)).then_types(ConnectionUsed)
    used.when(NoteUse(FIRST, USER, NOW + timedelta(minutes=59))).then_nothing()
    used.when(NoteUse(FIRST, USER, LATER)).then(ConnectionUsed(connection_id=FIRST, user_id=USER, used_at=LATER))
    past.when(NoteUse(SECOND, USER, NOW)).then_nothing()


def test_a_token_is_in_no_representation() -> None:
    assert "sealed" not in repr(adding())
    assert "sealed" not in repr(added(adding()).history)


@pytest.mark.parametrize(
    ("said", "kept"), [("en", "en"), ("pt-BR", "pt"), ("KO_kr", "ko"), ("", None), ("und", None), ("klingon", None)]
)
def test_the_language_of_a_text_is_kept_where_it_names_one(said: str, kept: str | None) -> None:
    draft = DraftCreated(
        draft_id=DRAFT,
        workflow_id=WORKFLOW,
        user_id=USER,
        platform="blog",
        iteration=1,
        content="Bread rises.",
        source="ai",
        engine="offline",
        language=said,
    )
    change = keep_the_text(draft, NOW)
    assert isinstance(change, Insert)
    assert change.row["language"] == kept
