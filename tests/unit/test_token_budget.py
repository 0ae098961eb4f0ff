"""The day's tokens: told when they are near, told when they are used, counted by whose they are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Meta
from contracts.events.evaluation import ModelConsulted
from contracts.events.generation import TokenBudgetExhausted, TokenBudgetNeared, TokensUsed
from services.evaluation.budget import AskedBudget
from services.evaluation.domain import consultation
from services.evaluation.domain.consultation import RecordConsultation
from services.generation import budget, paying
from services.generation.budget import Limits, Purse, Standing
from services.generation.domain import token_budget
from services.generation.domain.token_budget import NoteUse
from services.generation.domain.token_usage import RecordTokens
from shared.http.client import ServiceClient
from shared.ids import derive, new_id
from shared.reactions import Reactions
from tests.deciding import deciding

DAY = date(2026, 3, 5)
USER, DRAFT, EVENT = new_id(), new_id(), new_id()
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
given = deciding(token_budget.decider).given


def note(used: int, limit: int = 100, user_id: UUID | None = USER) -> NoteUse:
    return NoteUse(DAY, user_id, used, limit)


def said(used: int, limit: int = 100) -> dict[str, Any]:
    of = {"token_budget_id": derive("token_budget", DAY, USER), "day": DAY, "user_id": USER}
    return {**of, "used_tokens": used, "limit_tokens": limit}


def test_below_four_fifths_nothing_is_told() -> None:
    given().when(note(79)).then_nothing()


def test_four_fifths_are_told_once() -> None:
    given().when(note(80)).then(TokenBudgetNeared(**said(80)))
    given(TokenBudgetNeared(**said(80))).when(note(99)).then_nothing()


def test_the_end_is_told_once_and_with_it_what_nobody_told_before() -> None:
    near = TokenBudgetNeared(**said(81))
    given(near).when(note(100)).then(TokenBudgetExhausted(**said(100)))
    given().when(note(140)).then(TokenBudgetNeared(**said(140)), TokenBudgetExhausted(**said(140)))
    given(near, TokenBudgetExhausted(**said(100))).when(note(150)).then_nothing()


def test_a_limit_that_is_raised_is_told_of_anew_and_a_lowered_one_is_not() -> None:
    past = given(TokenBudgetNeared(**said(80)), TokenBudgetExhausted(**said(100)))
    past.when(note(150, 200)).then_nothing()
    past.when(note(160, 200)).then(TokenBudgetNeared(**said(160, 200)))
    past.when(note(160, 50)).then_nothing()


def test_days_and_users_and_everybody_have_streams_of_their_own() -> None:
    ids = {
        note(1).token_budget_id,
        note(1, user_id=None).token_budget_id,
        note(1, user_id=new_id()).token_budget_id,
        NoteUse(date(2026, 3, 6), USER, 1, 100).token_budget_id,
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("in_all", "of_user", "limits", "why"),
    [
        (999, 99, Limits(1000, 100), ""),
        (100, 100, Limits(1000, 100), "Your 100 tokens"),
        (1000, 5, Limits(1000, 100), "The platform's 1,000 tokens"),
        (10**9, 10**9, Limits(0, 0), ""),
        (10**9, 10, Limits(0, 100), ""),
    ],
)
def test_who_may_not_ask_learns_why_and_until_when(in_all: int, of_user: int, limits: Limits, why: str) -> None:
    standing = Standing(DAY, in_all, of_user, limits)
    closed = standing.closed()
    assert closed.startswith(why)
    assert bool(closed) == bool(why)
    assert ("00:00 UTC" in closed) == bool(why)
    assert standing.ends_at == datetime(2026, 3, 6, tzinfo=UTC)


async def test_what_is_in_hand_counts_as_used_until_it_is_done() -> None:
    used = {"in_all": 0, "of_user": 0}

    async def look(user_id: UUID | None) -> Standing:
        return Standing(DAY, used["in_all"], used["of_user"] if user_id == USER else 0, Limits(1000, 100))

    purse, other = Purse(look), new_id()
    async with purse.holding(USER, 60) as first, purse.holding(USER, 60) as second, purse.holding(USER, 1) as third:
        assert (first, second) == ("", "")
        assert third.startswith("Your 100 tokens")
        async with purse.holding(other, 880) as others:
            assert others == ""
            async with purse.holding(new_id(), 1) as everybodys:
                assert everybodys.startswith("The platform's 1,000 tokens")
    async with purse.holding(USER, 1) as after:
        assert after == ""
    used |= {"of_user": 100}
    async with purse.holding(USER, 1) as spent:
        assert spent.startswith("Your 100 tokens")


async def test_a_judge_that_cannot_ask_what_is_left_spends_nothing() -> None:
    async with ServiceClient({"generation": "http://127.0.0.1:9"}, "inside") as client:
        async with AskedBudget(client).holding(USER, 100) as closed:
            assert "could not be asked" in closed


def heard(event: Any) -> Any:
    event.at(Meta(EVENT, event.stream, new_id(), 1, NOON, new_id()))
    return event


def test_what_a_judge_asked_a_model_is_recorded_here() -> None:
    took = {"model": "small", "input_tokens": 11, "output_tokens": 7, "cost_usd": "0.000018"}
    asked = ModelConsulted(consultation_id=EVENT, draft_id=DRAFT, user_id=USER, **took)
    expected = RecordTokens(derive("token_usage", EVENT), "evaluation", **took, user_id=USER)
    assert Reactions(paying).outcomes(heard(asked)) == [expected]


def test_tokens_used_have_the_budget_looked_at_and_a_budget_that_ends_raises_the_alarm() -> None:
    used = heard(TokensUsed(token_usage_id=new_id(), service="generation", model="small", user_id=USER))
    first, again = (Reactions(budget).outcomes(used) for _ in range(2))
    assert first == again
    (task,) = first
    assert (task.kind, budget.Use.model_validate(task.payload)) == ("budget", budget.Use(user_id=USER, day=DAY))
    (alarm,) = Reactions(budget).outcomes(heard(TokenBudgetExhausted(**said(100))))
    assert (alarm.kind, alarm.payload["level"], alarm.payload["whose"]) == ("budget_alarm", "exhausted", "user")
    everybody = TokenBudgetNeared(**(said(80) | {"user_id": None}))
    (alarm,) = Reactions(budget).outcomes(heard(everybody))
    assert (alarm.payload["level"], alarm.payload["whose"]) == ("neared", "everybody")


def test_a_consultation_is_recorded_once() -> None:
    took = {"model": "small", "input_tokens": 11, "output_tokens": 7, "cost_usd": None}
    record = RecordConsultation(EVENT, DRAFT, USER, **took)
    recorded = ModelConsulted(consultation_id=EVENT, draft_id=DRAFT, user_id=USER, **took)
    past = deciding(consultation.decider).given
    past().when(record).then(recorded)
    past(recorded).when(record).then_nothing()
