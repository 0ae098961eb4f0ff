"""What slots and the calendar take and give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.publishing.schemas import In, Job


class NewSlot(In):
    """A time of the week at which posts go out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"platform": "x", "weekdays": [1, 3, 5], "local_time": "09:00", "time_zone": "Europe/Berlin"}]
        },
    )

    platform: Literal["linkedin", "x", "blog", "bluesky", "ghost"]
    connection_id: UUID | None = Field(None, description="For posts through this connection; null: the default one.")
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)] = Field(
        description="1 is Monday, 7 is Sunday."
    )
    local_time: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        description="By the clocks of the zone. Where they skip it, it comes as much later; repeated, it is the first."
    )
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="IANA name.")


class Slot(BaseModel):
    """A time of the week at which posts go out."""

    id: UUID
    platform: str
    connection_id: UUID | None
    weekdays: list[int]
    local_time: str
    time_zone: str
    created_at: datetime


class FreeSlot(BaseModel):
    """A time that no post has yet."""

    slot_id: UUID
    platform: str
    connection_id: UUID | None
    at: datetime
    time_zone: str


class Calendar(BaseModel):
    """What went out, what is to go out, and what is free."""

    from_: date = Field(serialization_alias="from")
    to: date
    time_zone: str
    jobs: list[Job]
    complete: bool = Field(description="Whether these are all jobs of that time; else ask for a shorter one.")
    free_slots: list[FreeSlot]
