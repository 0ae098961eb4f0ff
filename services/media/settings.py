"""Settings of the media service."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings

# What a request may weigh at all, the form around the file included: the gateway lets the same through.
MAX_BODY_BYTES = 33_554_432
# JSON may write one byte of a resource as six, as in \u0001.
MAX_RESOURCE_BYTES = 1_310_720


class MediaSettings(ServiceSettings):
    """The environment of media."""

    port: int = Field(8006, description="Port the HTTP server binds.")
    kafka_fetch_wait_ms: int = Field(
        100, ge=1, description="How long the broker may hold an empty fetch; nobody waits for what media hears."
    )

    storage_url: str | None = Field(
        None,
        description="Where bytes are kept: file:///folder, or s3://bucket?endpoint=…&region=…; "
        "empty: the folder `media` below the data folder.",
    )
    s3_access_key: str | None = Field(None, repr=False, description="Access key of the bucket.")
    s3_secret_key: str | None = Field(None, repr=False, description="Secret key of the bucket.")

    max_file_bytes: int = Field(26_214_400, gt=0, le=MAX_BODY_BYTES - 65_536, description="Largest file.")
    trial_bytes: int = Field(10_485_760, gt=0, description="What the files of a trial may weigh, all together.")
    extract_seconds: float = Field(30.0, gt=0, le=60, description="How long reading the text of a file may take.")
    fetch_seconds: float = Field(15.0, gt=0, le=60, description="How long a URL may take to answer in full.")
    fetch_allow_private: bool = Field(
        False, description="Also fetch from private networks and any port: for tests and demonstrations only."
    )

    retention_orphans_days: float = Field(
        1, ge=1, description="How old bytes and rows must be to go when the other half of them is missing."
    )
    retention_orphans_share: float = Field(
        0.5, gt=0, le=1, description="Largest share of all that may be orphans; beyond it nothing goes."
    )

    @property
    def storage(self) -> str:
        """The URL of the storage in force."""
        return self.storage_url or (self.data_dir.absolute() / "media").as_uri()
