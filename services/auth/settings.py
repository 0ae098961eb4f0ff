"""Settings of the auth service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import ServiceSettings


class AuthSettings(ServiceSettings):
    """The environment of auth."""

    port: int = Field(8001, description="Port the HTTP server binds.")
    # Nobody waits for what auth hears.
    kafka_fetch_wait_ms: int = Field(100, ge=1, description="How long the broker may hold an empty fetch.")
    kafka_fetch_brief_ms: int = Field(100, ge=1, description="The same right after something was heard.")
    kafka_rest_ms: int = Field(50, ge=0, description="Rest after each fetch, so that more comes together.")

    signing_key_file: Path | None = Field(
        None,
        description="Ed25519 private keys (PEM) of access tokens, the signing one first; required. To rotate: add the "
        "new key below and restart, then move it to the top and restart, then drop the old one.",
    )
    access_minutes: float = Field(15, gt=0, le=1440, description="How long an access token is valid.")
    refresh_days: float = Field(7, gt=0, description="How long a refresh token is valid when it is not used.")
    session_days: float = Field(30, gt=0, description="How long a session lasts at most, however often refreshed.")
    ended_session_days: float = Field(
        7, ge=0, description="After how long a session that was ended is forgotten, by a log-in or by retention."
    )
    retention_expired_sessions_days: float = Field(
        0, ge=0, description="How long a session is kept that ran out without being ended."
    )
    max_sessions: int = Field(5, ge=1, le=1000, description="Sessions a user may have; the oldest makes room.")

    trial_days: float = Field(7, gt=0, le=365, description="How long a trial lasts that nobody claims.")

    verification_hours: float = Field(
        48, gt=0, description="How long the token works that goes to a new user's e-mail address."
    )
    verification_url: str = Field(
        "", description="Page that takes the token, as https://example.org/verify?token={token}; empty: mail tells it."
    )
    smtp_url: str = Field(
        "",
        repr=False,
        description="Mail server, as smtp://user:password@host:587 or smtps://host; empty: mail is kept as files in "
        "the folder `mail` of the data.",
    )
    mail_from: str = Field("Presswork <presswork@localhost>", description="Sender of mail to users.")
