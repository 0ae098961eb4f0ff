"""What the API of token usage gives."""

from __future__ import annotations

from datetime import date
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


class TokenUsage(BaseModel):
    """What models took in a span of days, the newest day first."""

    items: list[DayOfModel]
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal = Field(description="Of the calls whose price is known.")
    unpriced_calls: int = Field(description="Calls whose price is not known, which the cost leaves out.")
