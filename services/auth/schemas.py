"""What the auth API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from shared.roles import Role

MAX_PREFERENCES_BYTES = 16_384


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    size = len(orjson.dumps(value))
    if size > MAX_PREFERENCES_BYTES:
        raise ValueError(f"Keep it within {MAX_PREFERENCES_BYTES} bytes of JSON; this is {size}.")
    return value


Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,49}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
Tone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
Preferences = Annotated[dict[str, Any], AfterValidator(_storable)]
# Longer than any valid password: what is wrong is said by the rules of passwords, not by this bound.
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
DeviceText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
DeviceKey = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^\x00]*$")]


class In(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignUp(In):
    """A new account."""

    username: Username = Field(
        description="3 to 50 letters, digits, dots, dashes and underscores; case does not tell two apart.",
        examples=["ada"],
    )
    email: EmailStr = Field(description="Seen by nobody but you.", examples=["ada@example.org"])
    password: Password = Field(
        description="At least 8 characters (at most 72 bytes), in both cases, with a digit; not a common one.",
        examples=["Analytical-Engine-1843"],
    )
    name: Name | None = Field(None, description="How you are called.", examples=["Ada Lovelace"])


class LogIn(In):
    """Who you are, by `email` or by `username`, and the password."""

    email: Annotated[str, Field(max_length=254)] | None = Field(None, examples=["ada@example.org"])
    username: Annotated[str, Field(max_length=64)] | None = Field(None, description="Instead of `email`.")
    password: Password = Field(examples=["Analytical-Engine-1843"])
    device_info: Annotated[dict[DeviceKey, DeviceText], Field(max_length=16)] = Field(
        default_factory=dict,
        description="What tells this device from your others in the list of sessions.",
        examples=[{"device_type": "web", "browser": "Firefox", "os": "Debian", "platform": "web"}],
    )

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.email is None) == (self.username is None):
            raise ValueError("Give either `email` or `username`.")
        return self


class Erase(In):
    """That it is really you who wants it."""

    password: Password | None = Field(None, description="Of every account.", examples=["Analytical-Engine-1843"])


class Refresh(In):
    """The refresh token of the last answer; it works once."""

    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=512)]


class Confirm(In):
    """The token that came by mail."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=512)]


class VerificationSent(BaseModel):
    """A token is on its way to your address."""

    expires_at: datetime = Field(description="Until when it works.")


class SessionChange(In):
    """What you work with in a session."""

    active_platform_id: UUID | None = Field(description="One of your connections; null for none.")


class ProfileChange(In):
    """New values; what is left out stays, null empties."""

    name: Name | None = Field(None, description="How you are called.", examples=["Ada Lovelace"])
    tone_of_voice: Tone | None = Field(None, description="How drafts should sound.", examples=["warm and precise"])
    preferences: Preferences = Field(
        default_factory=dict,
        description="Anything clients wish to remember, as a whole.",
        examples=[{"language": "en"}],
    )


class User(BaseModel):
    """An account as its owner sees it."""

    id: UUID
    username: str = Field(examples=["ada"])
    email: str | None = Field(description="null for a trial.", examples=["ada@example.org"])
    name: str | None = Field(examples=["Ada Lovelace"])
    role: str = Field(description="admin, moderator, reviewer or viewer.", examples=["viewer"])
    email_verified: bool
    trial_expires_at: datetime | None = Field(description="When a trial ends; null for an account.")
    tone_of_voice: str | None
    preferences: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    last_login: datetime | None


class AccountChange(In):
    """What an administrator gives or takes; what is left out stays."""

    role: Role | None = Field(None, description="The user's new tokens bear it.", examples=["reviewer"])
    is_active: bool | None = Field(None, description="false ends all sessions, and nobody can log in.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.role is None and self.is_active is None:
            raise ValueError("Give `role` or `is_active`, or both.")
        return self


class Account(BaseModel):
    """An account as administrators see it."""

    id: UUID
    username: str = Field(examples=["ada"])
    email: str | None = Field(description="null for a trial.", examples=["ada@example.org"])
    name: str | None = Field(examples=["Ada Lovelace"])
    role: Role
    is_active: bool
    email_verified: bool
    trial_expires_at: datetime | None = Field(description="When a trial ends; null for an account.")
    created_at: datetime
    updated_at: datetime
    last_login: datetime | None


class TokenPair(BaseModel):
    """Send the access token as `Authorization: Bearer …`; when it is over, get both anew with the refresh token."""

    access_token: str = Field(description="A JWT signed with Ed25519; see `/.well-known/jwks.json`.")
    refresh_token: str = Field(description="Works once. Used a second time it ends the session.")
    token_type: str = Field("Bearer")
    expires_in: int = Field(description="Seconds the access token is valid.", examples=[900])


class LoggedIn(TokenPair):
    """Tokens and the account they are of."""

    user: User


class Trial(TokenPair):
    """Tokens of a trial: send the access token with a sign-up, and what the trial made is the new account's."""

    user_id: UUID
    expires_at: datetime = Field(description="When the trial ends and all that it made goes, unless it was claimed.")


class Session(BaseModel):
    """One device on which you are logged in."""

    id: UUID
    current: bool = Field(description="Whether this request belongs to it.")
    device_info: dict[str, Any]
    ip_address: str | None = Field(examples=["203.0.113.7"])
    user_agent: str | None
    active_platform_id: UUID | None = Field(description="The connection you work with here.")
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class KeySet(BaseModel):
    """Public keys of access tokens (RFC 7517)."""

    keys: list[dict[str, str]] = Field(description="Ed25519 keys (RFC 8037), the one that signs first.")
