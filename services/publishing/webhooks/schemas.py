"""What the webhooks API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from services.publishing.webhooks.catalogue import matches_something
from shared.http.moment import Moment

DeliveryStatus = Literal["pending", "delivered", "failed"]

_Line = StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
Url = Annotated[str, _Line, Field(min_length=1, max_length=2000, description="https address that is told by POST.")]
Description = Annotated[str, _Line, Field(max_length=200, description="What it is for, in your words.")]
Patterns = Annotated[
    list[Annotated[str, Field(max_length=60)]],
    Field(
        min_length=1,
        max_length=100,
        description="Types of events (`GET /webhooks/event-types`), all of a kind as `draft.*`, or `*` for all.",
    ),
]


class _Filtered(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("events", check_fields=False)
    @classmethod
    def _exist(cls, patterns: list[str] | None) -> list[str] | None:
        for pattern in patterns or ():
            if not matches_something(pattern):
                raise ValueError(f"No event is called {pattern!r}; GET /api/v1/webhooks/event-types lists them.")
        return None if patterns is None else list(dict.fromkeys(patterns))


class NewWebhook(_Filtered):
    url: Url
    events: Patterns = ["*"]
    description: Description = ""


class WebhookChange(_Filtered):
    """Only what is given changes. `is_active` false stops deliveries, true begins them again."""

    url: Url | None = None
    events: Patterns | None = None
    description: Description | None = None
    is_active: bool | None = None


class Webhook(BaseModel):
    id: UUID
    url: str
    events: list[str]
    description: str
    is_active: bool
    disabled_reason: Literal["owner", "failing", "gone"] | None = Field(
        description="`failing`: deliveries kept failing; `gone`: the receiver answered 410."
    )
    disabled_detail: str | None
    previous_until: datetime | None = Field(description="Until then the secret before the present one signs as well.")
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook):
    secret: str = Field(description="Verify deliveries with it. It is shown this once.")


class EventType(BaseModel):
    type: str
    description: str


class Attempt(BaseModel):
    at: datetime
    status: int | None = Field(description="What the receiver answered; null when it did not.")
    error: str | None
    duration_ms: int


class Delivery(BaseModel):
    id: UUID = Field(description="The `webhook-id` that the receiver sees, the same at every attempt and replay.")
    webhook_id: UUID
    event_id: UUID
    type: str
    status: DeliveryStatus
    attempt: int = Field(description="Attempts so far, since it was put on the list (again).")
    attempts: list[Attempt] = Field(description="The last ones, oldest first.")
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


class DeliveryWithBody(Delivery):
    body: dict[str, Any] = Field(description="What is sent.")


class Replay(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Moment = Field(description="Deliveries of events heard since then, with an offset or Z.")
    statuses: Annotated[list[Literal["delivered", "failed"]], Field(min_length=1, max_length=2)] = ["failed"]


class Replayed(BaseModel):
    replayed: int = Field(description="Deliveries on their way again; at most 10,000 at once, the oldest first.")
