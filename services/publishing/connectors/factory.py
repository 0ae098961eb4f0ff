"""Which connector serves which platform."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from services.publishing.connectors.blog import BlogConnector
from services.publishing.connectors.bluesky import BlueskyConnector
from services.publishing.connectors.ghost import GhostConnector
from services.publishing.connectors.instant import InstantConnector
from services.publishing.connectors.linkedin import LinkedInConnector
from services.publishing.connectors.port import Connector
from services.publishing.connectors.x import XConnector
from shared.platforms import PLATFORMS, Platform


def build(
    *,
    data_dir: Path,
    blog_url: str,
    x_url: str,
    linkedin_url: str,
    linkedin_version: str,
    timeout: float,
    instant: bool = False,
    allow_private: bool = False,
    platforms: Mapping[str, Platform] = PLATFORMS,
) -> dict[str, Connector]:
    """A connector for every platform by its name. `timeout` in seconds for one request; `instant` for benchmarks.

    `allow_private` lets sites that users name be in private networks: for tests and demonstrations.
    `platforms` are the limits in force (`shared.platforms.configured`).
    The blog is written to `<data_dir>/blog` and read at `blog_url`.
    """
    if instant:
        return {name: InstantConnector() for name in PLATFORMS}
    return {
        "linkedin": LinkedInConnector(linkedin_url, linkedin_version, timeout, platforms["linkedin"]),
        "x": XConnector(x_url, timeout, platforms["x"]),
        "blog": BlogConnector(data_dir / "blog", blog_url),
        "ghost": GhostConnector(timeout, platforms["ghost"], allow_private=allow_private),
        "bluesky": BlueskyConnector(timeout, platforms["bluesky"], allow_private=allow_private),
    }
