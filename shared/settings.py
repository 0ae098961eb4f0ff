"""The one place that reads the environment. Each service extends this class once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Role = Literal["all", "http", "consumer", "relay", "worker"]


class ServiceSettings(BaseSettings):
    """What every service needs to know. Variables are the field names with the prefix `PRESSWORK_`."""

    model_config = SettingsConfigDict(env_prefix="PRESSWORK_", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address the HTTP server binds.")
    port: int = Field(8000, description="Port the HTTP server binds.")
    data_dir: Path = Field(Path(".data"), description="Folder for files the service keeps.")

    database_url: str = Field("", description="DSN of the service's own role and schema.")
    database_pool: int = Field(8, ge=2, le=64, description="Connections a process may hold.")

    kafka_url: str = Field("127.0.0.1:9092", description="Bootstrap servers, host:port, comma separated.")
    kafka_partitions: int = Field(1, ge=1, le=256, description="Partitions of a topic when it is created.")
    kafka_replication: int = Field(1, ge=1, description="Replicas of a topic when it is created.")
    kafka_fetch_wait_ms: int = Field(20, ge=1, description="How long the broker may hold an empty fetch.")
    kafka_fetch_brief_ms: int = Field(
        5, ge=1, description="The same right after something was heard; as above where the broker answers at once."
    )
    kafka_rest_ms: int = Field(0, ge=0, description="Rest after each fetch that brought something.")
    kafka_session_ms: int = Field(
        10_000, ge=1_000, description="After how long without a sign of life a consumer's partitions go to others."
    )
    kafka_batch: int = Field(500, ge=1, description="Most messages handled in one transaction.")

    auth_url: str = Field("http://127.0.0.1:8001", description="Base address of auth.")
    workflow_url: str = Field("http://127.0.0.1:8002", description="Base address of workflow.")
    generation_url: str = Field("http://127.0.0.1:8003", description="Base address of generation.")
    evaluation_url: str = Field("http://127.0.0.1:8004", description="Base address of evaluation.")
    publishing_url: str = Field("http://127.0.0.1:8005", description="Base address of publishing.")
    media_url: str = Field("http://127.0.0.1:8006", description="Base address of media.")

    internal_token: str = Field("", description="Secret that services show each other.")
    field_keys: str = Field("", description="Fernet keys, newest first, comma separated; encrypts private fields.")

    traces_dir: Path | None = Field(None, description="Folder that keeps finished spans; empty: none kept.")
    otlp_endpoint: str | None = Field(
        None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", description="OTLP/HTTP collector; empty: no export."
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Share of new traces that are recorded.")
    traces_per_second: float = Field(
        20.0, ge=1, description="New traces recorded a second, of each HTTP method; a burst of 10 s' worth is whole."
    )
    log_format: Literal["json", "console"] = Field("json", description="How log lines look.")
    log_level: str = Field("INFO", description="Least severe level that is logged.")

    event_attempts: int = Field(5, ge=1, description="Tries of a failing event before only an operator retries it.")
    event_backoff: float = Field(0.5, gt=0, description="Seconds before the second try; doubles each time.")
    trailing_seconds: float = Field(
        1.0, gt=0, description="Wait of the read tables that follow at a distance before they look for more."
    )
    retention_hour: int = Field(3, ge=0, le=23, description="Hour of the day (UTC) at which what is too old goes.")
    retention_most: int = Field(10_000, ge=1, description="Most that one rule of retention removes in one run.")
    retention_off: str = Field("", description="Rules of retention that are not carried out, comma separated.")
    retention_idempotency_keys_days: float = Field(30, ge=1, description="How long an Idempotency-Key is remembered.")
    retention_gone_subscribers_days: float = Field(
        30,
        ge=1,
        description="After how long without a report a subscriber is forgotten; as long as Kafka keeps events.",
    )
    retention_lost_tasks_days: float = Field(
        30, ge=1, description="How long a task stays on the list of a kind that no worker does any more."
    )
    retention_spans_days: float = Field(14, ge=1, description="How long files of finished spans are kept.")
    work_concurrency: dict[str, int] = Field(
        {}, description='Tasks of a kind that a process does at once, as in {"write": 8}; else what suits the kind.'
    )

    def concurrency(self) -> dict[str, int]:
        """Tasks of a kind at once, where they differ from what the worker names; services may know better."""
        return self.work_concurrency

    def urls(self) -> dict[str, str]:
        """Base address of each service."""
        return {
            "auth": self.auth_url,
            "workflow": self.workflow_url,
            "generation": self.generation_url,
            "evaluation": self.evaluation_url,
            "publishing": self.publishing_url,
            "media": self.media_url,
        }
