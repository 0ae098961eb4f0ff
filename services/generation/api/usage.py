"""Token usage over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.generation.budget import limits_of, standing
from services.generation.queries import usage as queries
from services.generation.schemas.usage import DayOfModel, TokenBudget, TokenUsage
from services.generation.settings import GenerationSettings
from shared.decider import Invalid
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.roles import may

router = APIRouter(prefix="/api/v1/token-usage", tags=["token usage"])

_MOST_DAYS = 366
_USUAL_DAYS = 30


@router.get("")
async def read_usage(
    request: Request,
    user: CurrentUser,
    first: Annotated[date | None, Query(description="First day (UTC); else 29 days before the last.")] = None,
    last: Annotated[date | None, Query(description="Last day (UTC); today if left out.")] = None,
    model: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only calls of this model.")
    ] = None,
) -> TokenUsage:
    """What models took for your work, by day, service and model, with its cost."""
    last = last or datetime.now(UTC).date()
    if first is None:
        first = last - min(timedelta(days=_USUAL_DAYS - 1), last - date.min)
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise Invalid(f"`last` is `first` or a later day, and they span at most {_MOST_DAYS} days.")
    if last == date.max:
        raise Invalid("`last` is too late a day; leave it out for today.")
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.by_day(connection, user.user_id, first, last, model)
    return TokenUsage(
        items=[DayOfModel.model_validate(dict(row)) for row in rows],
        input_tokens=sum(row["input_tokens"] for row in rows),
        output_tokens=sum(row["output_tokens"] for row in rows),
        cost_usd=sum((row["cost_usd"] for row in rows if row["cost_usd"] is not None), Decimal(0)),
        unpriced_calls=sum(row["unpriced"] for row in rows),
    )


@router.get("/budget")
async def read_budget(request: Request, user: CurrentUser) -> TokenBudget:
    """What is left of the tokens that models may take for your work today."""
    kit = kit_of(request)
    assert isinstance(kit.settings, GenerationSettings)
    now = await standing(kit.database, limits_of(kit.settings), user.user_id)
    return TokenBudget(
        day=now.day,
        used_tokens=now.of_user,
        limit_tokens=now.limits.of_user or None,
        exhausted=now.closed() or None,
        platform_used_tokens=now.in_all if may(user.role, "admin") else None,
        platform_limit_tokens=(now.limits.in_all or None) if may(user.role, "admin") else None,
        resets_at=now.ends_at,
    )
