"""Servers somebody else runs: used as they are, never started or stopped."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit


class GivenPostgres:
    """A PostgreSQL server reached by a superuser's (or CREATEROLE's) connection string."""

    def __init__(self, admin_dsn: str) -> None:
        self.admin_dsn = admin_dsn

    def dsn(self, user: str, password: str, database: str | None = None) -> str:
        """Connection string of another role on the same server."""
        parts = urlsplit(self.admin_dsn)
        host = parts.netloc.rpartition("@")[2]
        path = f"/{quote(database, safe='')}" if database else parts.path
        return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}", path=path).geturl()

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def tend(self) -> str | None:
        return None


class GivenBroker:
    """A Kafka cluster reached at `url` (host:port, comma separated)."""

    suits: Mapping[str, str] = {}

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def tend(self) -> str | None:
        return None
