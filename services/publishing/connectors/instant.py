"""Published at once, nowhere: for measuring everything around a platform."""

from __future__ import annotations

from services.publishing.connectors.port import Connection, Post, Published


class InstantConnector:
    """Does no I/O and remembers nothing; publishing again changes nothing."""

    can_find = True

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """An address that leads nowhere, derived from the job."""
        return Published(str(post.job_id), f"https://instant.invalid/{post.platform}/{post.job_id}", {})

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """None: nothing was left anywhere."""
        return None

    async def close(self) -> None:
        """Nothing to let go of."""
