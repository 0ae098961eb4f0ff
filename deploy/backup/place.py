"""The database that is meant: a given one, the running platform's, or the resting platform's, woken for the purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.backup import files
from deploy.backup.failure import BackupFailed
from deploy.embedded.keys import Keys
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.stack import WITH_SCHEMA, Stack
from deploy.embedded.state import AlreadyRunning, StackLock
from deploy.migrate import SERVICES


class BackupSettings(BaseSettings):
    """What the tools can be told; variables bear the prefix `PRESSWORK_`."""

    model_config = SettingsConfigDict(env_prefix="PRESSWORK_", extra="ignore", frozen=True)

    data_dir: Path = Field(Path(".data"), description="Folder of the platform's files.")
    postgres_url: str = Field("", repr=False, description="Administrator's DSN; empty: the embedded server.")
    storage_url: str = Field("", description="Where media keeps its bytes, as media itself is told.")
    field_keys: str = Field("", repr=False, description="Fernet keys, as the services are told.")
    backup_dir: Path = Field(Path("backups"), description="Folder of the backups.")
    backup_days: int = Field(7, ge=1, description="Days a backup is kept.")


@dataclass(frozen=True, slots=True)
class Place:
    """A database to work on. `homes`: its folders of files, whether there or not; `passwords`: of roles that a restore
    makes."""

    dsn: str
    homes: dict[str, Path]
    field_keys: tuple[str, ...]
    passwords: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def found(settings: BackupSettings, *, alone: bool = False) -> Iterator[Place]:
    """The database the settings mean. `alone`: no service may run on it. Raises BackupFailed, PostgresFailed."""
    data_dir = settings.data_dir.absolute()
    homes = files.homes(data_dir, settings.storage_url)
    given_keys = tuple(key for key in settings.field_keys.split(",") if key)
    if settings.postgres_url:
        yield Place(settings.postgres_url, homes, given_keys)
        return
    lock = StackLock(data_dir)
    state = lock.running()
    if state is not None and alone:
        raise BackupFailed(f"{AlreadyRunning(state)} first. Nothing was changed.")
    if state is None and not alone and not (data_dir / "postgres").exists():
        raise BackupFailed(f"There is no database below {data_dir}; `make up` makes one, DSN=… names another.")
    Stack(data_dir).make_data_dir()
    keys = Keys.of(data_dir, WITH_SCHEMA)
    if state is not None:
        if not state.admin_dsn:
            raise BackupFailed("The platform is just starting: try again in a moment.")
        yield Place(state.admin_dsn, homes, given_keys or tuple(keys.field_keys))
        return
    lock.acquire()
    server = EmbeddedPostgres(data_dir / "postgres")
    try:
        server.start()
        passwords = {service: keys.passwords[service] for service in SERVICES}
        yield Place(server.admin_dsn, homes, given_keys or tuple(keys.field_keys), passwords)
    finally:
        server.stop()
        lock.release()
