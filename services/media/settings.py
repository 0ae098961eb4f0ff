"""Settings of the media service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.media.extraction.speech import Hearing
from services.media.intake import Limits
from shared.settings import ServiceSettings

# What a request may weigh at all, the form around the file included: the gateway lets the same through.
MAX_BODY_BYTES = 33_554_432
_MOST = MAX_BODY_BYTES - 65_536
# JSON may write one byte of a resource as six, as in \u0001.
MAX_RESOURCE_BYTES = 1_310_720


class MediaSettings(ServiceSettings):
    """The environment of media."""

    port: int = Field(8006, description="Port the HTTP server binds.")
    # Nobody waits for what media hears.
    kafka_fetch_wait_ms: int = Field(100, ge=1, description="How long the broker may hold an empty fetch.")
    kafka_fetch_brief_ms: int = Field(100, ge=1, description="The same right after something was heard.")
    kafka_rest_ms: int = Field(50, ge=0, description="Rest after each fetch, so that more comes together.")

    storage_url: str | None = Field(
        None,
        description="Where bytes are kept: file:///folder, or s3://bucket?endpoint=…&region=…; "
        "empty: the folder `media` below the data folder.",
    )
    s3_access_key: str | None = Field(None, repr=False, description="Access key of the bucket.")
    s3_secret_key: str | None = Field(None, repr=False, description="Secret key of the bucket.")

    max_file_bytes: int = Field(26_214_400, gt=0, le=_MOST, description="Largest document or image.")
    max_audio_bytes: int = Field(26_214_400, gt=0, le=_MOST, description="Largest sound file.")
    max_video_bytes: int = Field(_MOST, gt=0, le=_MOST, description="Largest video.")
    trial_bytes: int = Field(10_485_760, gt=0, description="What the files of a trial may weigh, all together.")
    extract_seconds: float = Field(30.0, gt=0, le=60, description="How long reading the text of a file may take.")
    speech_seconds: float = Field(600.0, gt=0, le=780, description="How long listening to a file may take.")
    speech_minutes: float = Field(120.0, gt=0, le=600, description="Longest sound or video that is listened to.")
    speech_packages: Path | None = Field(
        None,
        description="Folder of what `make speech` installs; empty: the folder `speech` below the data folder, "
        "after what is installed beside the service.",
    )
    speech_model: Path | None = Field(
        None, description="Folder of a Whisper model for CTranslate2; empty: the extra's own, which hears English."
    )
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

    @property
    def limits(self) -> Limits:
        """The largest file of each kind."""
        return Limits(self.max_file_bytes, self.max_audio_bytes, self.max_video_bytes)

    @property
    def hearing(self) -> Hearing:
        """How speech is read."""
        packages = self.speech_packages or self.data_dir / "speech"
        return Hearing(packages.absolute(), self.speech_model and self.speech_model.absolute(), self.speech_minutes)
