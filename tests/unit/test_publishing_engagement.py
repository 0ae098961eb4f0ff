"""How a published post is doing: when it is looked at, and what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.publishing import EngagementMeasured, EngagementWithheld, JobErased, JobPublished, JobQueued
from services.publishing.domain import job
from services.publishing.domain.commands import Figures, RecordEngagement, RecordWithheld
from services.publishing.domain.engagement import FIRST, SELDOM, next_look
from services.publishing.engagement.reading import look_again_later, look_at_it_later
from services.publishing.projections import measure, publish, withhold
from shared.projection import Update
from shared.reactions import LeasedTask
from tests.deciding import Deciding, deciding

JOB, WORKFLOW, USER, DRAFT, ACCOUNT = (UUID(int=number) for number in range(1, 6))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COMMON: dict[str, Any] = {
    "job_id": JOB,
    "workflow_id": WORKFLOW,
    "user_id": USER,
    "platform": "x",
    "draft_id": DRAFT,
}
OUT = JobPublished(
    **COMMON, platform_post_id="17", url="https://x.com/ada/status/17", published_at=NOW, connection_id=ACCOUNT
)
FIGURES = Figures(likes=3, comments=1, shares=2, quotes=0, views=90)
ASKED = RecordEngagement(JOB, FIGURES, NOW)
REFUSED = RecordWithheld(JOB, "LinkedIn shows figures only to few apps.")
WHERE = {"platform_post_id": "17", "url": "https://x.com/ada/status/17"}


def published() -> Deciding:
    return deciding(job.decider).given(JobQueued(**COMMON), OUT)


def test_figures_are_recorded_when_they_are_new() -> None:
    measured = EngagementMeasured(**COMMON, **WHERE, likes=3, comments=1, shares=2, quotes=0, views=90, measured_at=NOW)
    published().when(ASKED).then(measured)
    again = published().given(measured)
    again.when(RecordEngagement(JOB, FIGURES, NOW + FIRST)).then_nothing()
    again.when(RecordEngagement(JOB, Figures(4, 1, 2, 0, 91), NOW + FIRST)).then_types(EngagementMeasured)


def test_why_there_are_no_figures_is_said_once_and_over_when_there_are_some() -> None:
    withheld = EngagementWithheld(**COMMON, **WHERE, reason=REFUSED.reason)
    published().when(REFUSED).then(withheld)
    silent = published().given(withheld)
    silent.when(REFUSED).then_nothing()
    silent.when(ASKED).then_types(EngagementMeasured).when(REFUSED).then_types(EngagementWithheld)


@pytest.mark.parametrize("history", [(), (JobQueued(**COMMON),), (JobQueued(**COMMON), OUT, JobErased(**COMMON))])
def test_a_post_that_is_not_out_has_no_figures(history: tuple[Any, ...]) -> None:
    for asked in (ASKED, REFUSED):
        deciding(job.decider).given(*history).when(asked).then_nothing()


@given(st.timedeltas(timedelta(0), timedelta(days=200)))
def test_looks_become_rarer_with_age_and_end(age: timedelta) -> None:
    due_at = next_look(NOW, NOW + age, timedelta(days=90))
    if due_at is None:
        assert age > timedelta(days=82)
        return
    wait = due_at - NOW - age
    assert FIRST <= wait <= SELDOM
    assert due_at <= NOW + timedelta(days=90)
    older = next_look(NOW, NOW + age + FIRST, timedelta(days=90))
    assert older is None or older - NOW - age - FIRST >= wait


def test_a_post_is_looked_at_some_thirty_times_in_three_months() -> None:
    looks, at = 0, NOW + FIRST
    while (due_at := next_look(NOW, at, timedelta(days=90))) is not None:
        looks, at = looks + 1, due_at
    assert 20 <= looks <= 35


def test_the_first_look_is_planned_for_platforms_that_count() -> None:
    task = look_at_it_later(OUT.model_copy(update={"response": {"ids": ["17", "18"]}}))
    assert task is not None
    assert (task.due_at, task.lane, task.payload["post_ids"]) == (NOW + FIRST, "x", ["17", "18"])
    alone = look_at_it_later(OUT.model_copy(update={"platform": "linkedin", "response": {"id": "17"}}))
    assert alone is not None
    assert alone.payload["post_ids"] == ["17"]
    assert look_at_it_later(OUT.model_copy(update={"platform": "blog"})) is None
    assert look_at_it_later(OUT.model_copy(update={"connection_id": None})) is None


def test_a_look_that_went_wrong_is_not_the_last_one() -> None:
    task = look_at_it_later(OUT)
    assert task is not None
    leased = LeasedTask(task.id, task.kind, task.lane, task.payload, 5, task.id, task.id, None, None, None)
    (again,) = look_again_later(leased, "ValueError")
    assert (again.payload["number"], again.lane, again.payload["post_ids"]) == (2, "x", ["17"])
    assert again.due_at is not None
    assert again.due_at > datetime.now(UTC) + SELDOM - FIRST


def test_the_row_shows_the_last_figures_and_keeps_what_it_said() -> None:
    warned = {"duplicate_of": "https://x.com/ada/status/9"}
    measured = EngagementMeasured(**COMMON, **WHERE, **warned, likes=3, comments=1, measured_at=NOW)
    shown = [
        change.values["response_data"]
        for change in (
            publish(OUT.model_copy(update=warned), NOW),
            measure(measured, NOW),
            withhold(EngagementWithheld(**COMMON, **WHERE, **warned, reason="No."), NOW),
        )
        if isinstance(change, Update)
    ]
    assert [each["engagement"] for each in shown] == [
        {"likes": 0, "comments": 0, "shares": 0},
        {"likes": 3, "comments": 1, "shares": None, "measured_at": "2026-03-02T09:30:00+00:00"},
        {"likes": None, "comments": None, "shares": None, "withheld": "No."},
    ]
    for each in shown:
        assert each["platform_post_id"] == "17"
        assert "https://x.com/ada/status/9" in each["warnings"][0]
