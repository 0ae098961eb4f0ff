"""What the gateway needs to know."""

from __future__ import annotations

from limits import parse_many
from pydantic import Field, field_validator

from shared.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Limits are written as the `limits` library reads them: `5/15 minutes`."""

    port: int = Field(8080, description="Port the HTTP server binds.")

    limit_login: str = Field("5/15 minutes", description="Log-in attempts of one address.")
    limit_signup: str = Field("3/hour", description="Sign-ups of one address.")
    limit_refresh: str = Field("20/hour", description="Token refreshes of one address.")
    limit_user: str = Field("1000/hour", description="API requests of one user.")
    limit_executions: str = Field("20/hour", description="Executions one user may begin.")
    limit_archive: str = Field("5/hour", description="Archives of all their data that one user may ask for.")
    limit_approval: str = Field("300/hour", description="Requests with approval links of one address.")
    limit_trial: str = Field("3/hour; 5/day", description="Trials one address may begin.")
    limit_trial_outputs: str = Field(
        "3/hour; 5/day", description="Outputs that a trial, and all trials of one address, may ask for."
    )
    limit_anonymous: str = Field("100/hour", description="API requests of one address without a valid token.")
    limits_storage: str = Field(
        "memory://", description="Where limits are counted: memory:// (this process) or redis://host:port."
    )

    trusted_proxies: str = Field(
        "", description="Networks (CIDR, comma separated) of proxies in front, whose X-Forwarded-For is believed."
    )
    deadline_seconds: float = Field(10.0, gt=0, description="How long an answer may take to begin.")
    upload_seconds: float = Field(120.0, gt=0, description="The same for uploads.")
    body_bytes: int = Field(1_048_576, gt=0, description="Largest body.")
    upload_bytes: int = Field(33_554_432, gt=0, description="Largest body of an upload.")
    heartbeat_seconds: float = Field(15.0, gt=0, description="Longest silence on a live stream.")
    openapi_seconds: float = Field(60.0, ge=0, description="How long the merged OpenAPI document is kept.")

    @field_validator(
        "limit_login",
        "limit_signup",
        "limit_refresh",
        "limit_user",
        "limit_executions",
        "limit_archive",
        "limit_approval",
        "limit_trial",
        "limit_trial_outputs",
        "limit_anonymous",
    )
    @classmethod
    def _is_a_limit(cls, value: str) -> str:
        parse_many(value)
        return value
