"""What the publishing API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from shared.http.moment import Moment

JobStatus = Literal["queued", "scheduled", "publishing", "published", "failed", "cancelled"]

# PostgreSQL's text cannot hold NUL, and nobody means other control characters in a name.
_Line = StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")
Name = Annotated[str, _Line, Field(max_length=100)]
Username = Annotated[str, _Line, Field(max_length=200)]


# ASCII alone: a counted \w takes in all of Unicode, and weighs megabytes once compiled.
_URN = r"^urn:li:(person|organization):[A-Za-z0-9_-]{1,64}$"


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConnectionSettings(In):
    """What a connector may know of an account. Nothing secret belongs here."""

    user_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] | None = Field(
        None, description="X: the account's numeric id; saves a request for each post."
    )
    author_urn: Annotated[str, StringConstraints(pattern=_URN)] | None = Field(
        None, description="LinkedIn: who posts, when it is not the member the token belongs to."
    )
    max_length: Annotated[int, Field(ge=280, le=25_000)] | None = Field(
        None, description="X: characters a post of this account may have (4,000 and more with Premium)."
    )


class NewConnection(In):
    """An account that posts go out through."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"platform": "x", "name": "Ada on X", "access_token": "the OAuth token", "username": "ada"}]
        },
    )

    platform: Literal["x", "linkedin", "bluesky", "ghost", "mastodon", "pixelfed"] = Field(
        description="The blog needs no connection."
    )
    name: Name = Field(description="Your own name for it; each once.")
    access_token: Annotated[SecretStr, Field(min_length=1, max_length=8192)] = Field(
        description="OAuth 2 token that may post; on Bluesky an app password, on Ghost an integration's admin "
        "API key. Kept encrypted, never given back."
    )
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="With it the token is renewed before it ends. Kept encrypted, never given back."
    )
    token_expires_at: Moment | None = Field(None, description="When the access token ends.")
    instance_url: Annotated[str, Field(max_length=500)] | None = Field(
        None,
        description="Mastodon and Pixelfed: the address of the instance, such as https://mastodon.social. Bluesky: the "
        "personal data server, if the account has one of its own. Ghost: the site. Leave it "
        "out for X and LinkedIn, which have one address each.",
    )
    client_key: Annotated[SecretStr, Field(min_length=1, max_length=1024)] | None = Field(
        None, description="OAuth client key of the app the token was issued to. Kept encrypted, never given back."
    )
    client_secret: Annotated[SecretStr, Field(min_length=1, max_length=1024)] | None = Field(
        None, description="Its secret. Kept encrypted, never given back."
    )
    username: Username | None = Field(None, description="The account's name on the platform; Bluesky needs it.")
    is_default: bool = Field(True, description="Whether posts go out here when none is named.")
    settings: ConnectionSettings = ConnectionSettings()


class Authorize(In):
    """Which platform to log in at."""

    platform: Literal["x", "linkedin"]
    connection_id: UUID | None = Field(None, description="A connection that is to work again; leave out for a new one.")
    is_default: bool = Field(True, description="Whether posts go out here when none is named.")


class Authorization(BaseModel):
    """Where the user logs in."""

    url: str = Field(description="Send the user's browser there.")
    state: str = Field(description="Comes back with the code; it is for this user and this log-in only.")
    expires_at: datetime = Field(description="Until when the log-in has to be done.")


class ConnectionChange(In):
    """What is to be different; what is left out stays."""

    name: Name | None = Field(None, description="Your own name for it; each once.")
    is_active: bool | None = Field(None, description="Whether posts may go out here.")
    access_token: Annotated[SecretStr, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="Another token for the same account: it works again, and the posts that waited go out."
    )
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="With `access_token` only."
    )
    token_expires_at: Moment | None = Field(None, description="With `access_token` only.")
    is_default: Literal[True] | None = Field(
        None, description="Posts go out here when none is named; to change it, make another one the default."
    )


class Connection(BaseModel):
    """A connection, without its token."""

    id: UUID
    platform: str
    name: str
    instance_url: str
    username: str | None
    settings: dict[str, Any]
    is_active: bool
    is_default: bool
    token_expires_at: datetime | None = Field(description="When its token ends; it is renewed before if it can be.")
    broken_at: datetime | None = Field(description="Since when the platform does not take the token; null: it does.")
    problem: str | None = Field(description="What to do when it is broken. Its posts wait meanwhile.")
    paused_until: datetime | None = Field(description="Until when the platform takes no more from this account.")
    created_at: datetime
    updated_at: datetime
    last_used: datetime | None


class ConnectionTest(BaseModel):
    """Whether the platform takes the token, and whose account it opens."""

    ok: bool
    username: str | None = Field(None, description="The account as the platform names it.")
    error_class: str | None = Field(None, examples=["disconnected"])
    detail: str | None = Field(None, description="What to do when it does not work.")


class Job(BaseModel):
    """One post on its way to one platform."""

    id: UUID
    workflow_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None = Field(description="The connection that was asked for; null: the platform's default.")
    status: JobStatus
    scheduled_for: datetime | None
    time_zone: str | None
    published_at: datetime | None
    url: str | None = Field(description="Where the post can be read.")
    response_data: dict[str, Any] | None = Field(
        description="What the platform answered; `warnings` when the same text had gone out before. `engagement` is "
        "how the post is doing: likes, comments and shares (null: the platform does not tell), quotes and views where "
        "it counts them, as of `measured_at`; before the first reading all 0. `withheld` says why there are none."
    )
    attempt: int = Field(description="How many attempts have begun.")
    next_attempt_at: datetime | None = Field(description="When a waiting job goes on by itself; null: at once.")
    error_class: str | None = Field(
        description="refresh_token, bad_content, disconnected, rate_limited, transient or outcome_unknown."
    )
    error: str | None = Field(description="What went wrong last, and what to do.")
    created_at: datetime
    updated_at: datetime


class Retry(In):
    """How to try again."""

    connection_id: UUID | None = Field(None, description="Another connection to use from here on.")


class Reschedule(In):
    """Another time for a job that waits, or that failed without anything sent."""

    next_free_slot: bool = Field(False, description="At the next free one of your slots, instead of a time.")
    scheduled_for: datetime | None = Field(
        None,
        description=(
            "With an offset, or a local time beside `time_zone`. A local time that the clocks repeat means its first "
            "occurrence; one that they skip is refused."
        ),
        examples=["2030-05-01T09:00:00"],
    )
    time_zone: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="IANA name.", examples=["Europe/Berlin"]
    )
