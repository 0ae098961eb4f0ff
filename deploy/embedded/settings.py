"""Settings of the embedded stack, from the environment with the prefix PRESSWORK_."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StackSettings(BaseSettings):
    """What `make up` can be told."""

    model_config = SettingsConfigDict(env_prefix="PRESSWORK_", extra="ignore")

    data_dir: Path = Field(Path(".data"), description="Folder of everything that is kept.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the gateway; 0 picks a free one.")
    postgres_url: str | None = Field(None, description="Administrator's DSN of a PostgreSQL to use instead of our own.")
    kafka_url: str | None = Field(None, description="Bootstrap servers of a Kafka to use instead of our own broker.")
    broker: Literal["tansu", "kafka"] = Field("tansu", description="Our own broker: Tansu, or Apache Kafka (Java).")
    broker_memory_mb: float = Field(512, gt=0, description="Resident memory past which Tansu is restarted empty, MiB.")
