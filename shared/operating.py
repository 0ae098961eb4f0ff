"""What an operator's tools are told: an administrator's DSN and each service's own, as `deploy.embedded exec` gives."""

from __future__ import annotations

from importlib import import_module

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kit import Service


class OperatorSettings(BaseSettings):
    """Variables are the field names with the prefix `PRESSWORK_`."""

    model_config = SettingsConfigDict(env_prefix="PRESSWORK_", extra="ignore", frozen=True)

    postgres_url: str = Field("", repr=False, description="DSN of a role that may act as the schemas' owners.")
    auth_database_url: str = Field("", repr=False, description="DSN of auth's own role.")
    workflow_database_url: str = Field("", repr=False, description="DSN of workflow's own role.")
    generation_database_url: str = Field("", repr=False, description="DSN of generation's own role.")
    evaluation_database_url: str = Field("", repr=False, description="DSN of evaluation's own role.")
    publishing_database_url: str = Field("", repr=False, description="DSN of publishing's own role.")
    media_database_url: str = Field("", repr=False, description="DSN of media's own role.")

    def databases(self) -> dict[str, str]:
        """The DSN of each service that was given one, by service."""
        suffix = "_database_url"
        given = self.model_dump().items()
        return {name.removesuffix(suffix): dsn for name, dsn in given if name.endswith(suffix) and dsn}


def find_service(name: str) -> Service:
    """The service of that name. By its name alone, for the kit knows no service."""
    service: Service = import_module(f"services.{name}.app").service
    return service
