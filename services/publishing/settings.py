"""Settings of the publishing service."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from services.publishing.limits import Limits
from shared.platforms import configured
from shared.settings import ServiceSettings

_CONCURRENCY = {"x": 10, "linkedin": 2, "blog": 8, "bluesky": 5, "ghost": 2}

_IN_A_WINDOW = {"x": 100}

_READINGS = {"x": 4, "linkedin": 1, "bluesky": 4}


class PublishingSettings(ServiceSettings):
    """The environment of publishing."""

    port: int = Field(8005, description="Port the HTTP server binds.")

    connector: Literal["real", "instant"] = Field(
        "real", description="`instant` publishes nowhere and answers at once, for benchmarks."
    )
    blog_url: str = Field("http://127.0.0.1:8080/blog", description="Public address of the blog.")
    x_url: str = Field("https://api.x.com", description="Base address of X's API.")
    linkedin_url: str = Field("https://api.linkedin.com", description="Base address of LinkedIn's API.")
    linkedin_version: str = Field(
        "202610",
        pattern=r"^\d{4}(0[1-9]|1[0-2])$",
        description="Month of LinkedIn's API; each is served about a year.",
    )

    bluesky_url: str = Field(
        "https://bsky.social", description="Server of the Bluesky accounts that name no personal data server."
    )
    oauth_redirect_url: str = Field(
        "http://127.0.0.1:8080/api/v1/connections/callback",
        description="Where platforms send users back to after a log-in: the callback, or a page that calls it.",
    )
    x_client_id: str | None = Field(None, description="OAuth 2 client id of Presswork's app at X.")
    x_client_secret: str | None = Field(None, repr=False, description="Its secret, if the app is a confidential one.")
    x_authorize_url: str = Field("https://x.com/i/oauth2/authorize", description="Where users of X log in.")
    linkedin_client_id: str | None = Field(None, description="OAuth 2 client id of Presswork's app at LinkedIn.")
    linkedin_client_secret: str | None = Field(None, repr=False, description="Its secret.")
    linkedin_oauth_url: str = Field(
        "https://www.linkedin.com/oauth/v2", description="Base address of LinkedIn's log-in and tokens."
    )

    platform_timeout: float = Field(20.0, gt=0, le=60, description="Seconds one request to a platform may take.")
    publish_timeout: float = Field(60.0, gt=0, le=75, description="Seconds a whole publication may take.")
    publish_attempts: int = Field(4, ge=1, le=20, description="Tries of a publication that fails for a moment.")
    publish_pause: float = Field(5.0, gt=0, description="Seconds before the second try; doubles each time.")
    publish_concurrency: dict[str, int] = Field(
        {},
        description="Publications at a time where not x 10, linkedin 2, blog 8, bluesky 5, ghost 2, "
        'as {"x": 5} (JSON).',
    )
    publish_in_15_minutes: dict[str, int] = Field(
        {}, description='Posts of one account in 15 minutes, of all processes, where not x 100, as {"x": 50} (JSON).'
    )
    engagement_days: float = Field(
        90, ge=0, le=3650, description="For how long figures of published posts are read, ever more seldom; 0: never."
    )
    engagement_concurrency: dict[str, int] = Field(
        {}, description='Readings of figures at a time where not x 4, linkedin 1, bluesky 4, as {"x": 2} (JSON).'
    )
    draft_patience: float = Field(60.0, gt=0, description="Seconds a due job waits for the text of its draft.")
    fediverse_allow_private: bool = Field(
        False, description="Also reach sites that users name in private networks: for tests and demonstrations only."
    )
    ghost_url: str | None = Field(None, description="Address of the Ghost site that collected posts go to.")
    ghost_admin_key: str | None = Field(
        None,
        repr=False,
        description="Admin API key of a Ghost integration, as id:secret; with the address or not at all.",
    )
    takedown_grace_hours: float = Field(72.0, ge=0, description="Hours from a takedown to the removal for good.")
    webhook_timeout: float = Field(15.0, gt=0, le=30, description="Seconds a receiver of webhooks may take to answer.")
    webhook_pauses: list[Annotated[float, Field(gt=0)]] = Field(
        [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
        description="Seconds before each further attempt of a delivery, a list (JSON); after the last it has failed.",
    )
    webhook_at_once: int = Field(4, ge=1, le=64, description="Deliveries to one webhook at a time in one process.")
    webhook_secret_overlap_hours: float = Field(24.0, ge=0, description="Hours that a rotated secret still signs.")
    webhook_allow_private: bool = Field(
        False, description="Also deliver to private networks and over http: for tests and demonstrations only."
    )
    retention_webhook_deliveries_days: float = Field(
        30, ge=1, description="How long the log of deliveries goes back; what is still to be sent stays."
    )
    platform_limits: dict[str, int] = Field(
        {}, description='Limits that differ from the platforms\' own, as {"x.max_length": 25000} (JSON).'
    )

    @field_validator("platform_limits")
    @classmethod
    def _are_limits(cls, value: dict[str, int]) -> dict[str, int]:
        configured(value)
        return value

    @field_validator("publish_concurrency", "publish_in_15_minutes", "engagement_concurrency")
    @classmethod
    def _are_positive(cls, value: dict[str, int]) -> dict[str, int]:
        if any(limit < 1 for limit in value.values()):
            raise ValueError("Each platform's limit is 1 or more.")
        return value

    def lanes(self) -> dict[str, int]:
        """How many publications of a platform go on at a time; nobody is to be spared where nothing is called."""
        return {} if self.connector == "instant" else _CONCURRENCY | self.publish_concurrency

    def readings(self) -> dict[str, int]:
        """How many readings of figures from a platform go on at a time in a process."""
        return _READINGS | self.engagement_concurrency

    def limits(self) -> Limits:
        """The same for all processes together, and for each account; the blog is a folder of ours."""
        at_once = {name: most for name, most in self.lanes().items() if name != "blog"}
        windows = {} if self.connector == "instant" else _IN_A_WINDOW | self.publish_in_15_minutes
        return Limits(at_once, windows, timedelta(seconds=self.publish_timeout))

    def base_urls(self) -> dict[str, str]:
        """Where the platforms with accounts are reached: addresses that the operator chose and users cannot."""
        return {"x": self.x_url.rstrip("/"), "linkedin": self.linkedin_url.rstrip("/")}
