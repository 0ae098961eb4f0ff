"""What the API of token usage gives."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field


class DayOfModel(BaseModel):
    """What one model took on one day (UTC) for one kind of work."""

    day: date
    service: str = Field(description="What asked the model.", examples=["generation"])
    model: str = Field(examples=["gpt-4o-mini"])
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None = Field(description="Null when no price is known for any of the calls.")


class TokenBudget(BaseModel):
    """What is left of the tokens that models may take today (UTC)."""

    day: date
    used_tokens: int = Field(description="What models took for your work today.")
    limit_tokens: int | None = Field(description="What they may take for it; null without a limit.")
    exhausted: str | None = Field(
        description="Why no model is asked for you today any more, and the offline engine writes; null while one is.",
        examples=["Your 100,000 tokens of the day are used. Models write and judge for you again from 00:00 UTC."],
    )
    platform_used_tokens: int | None = Field(description="What models took for everybody today; administrators only.")
    platform_limit_tokens: int | None = Field(description="What they may take; administrators only, null without one.")
    resets_at: datetime = Field(description="When the next day's tokens are there.")


class TokenUsage(BaseModel):
    """What models took in a span of days, the newest day first."""

    items: list[DayOfModel]
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal = Field(description="Of the calls whose price is known.")
    unpriced_calls: int = Field(description="Calls whose price is not known, which the cost leaves out.")
