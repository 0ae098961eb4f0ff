"""Every platform has a connector, and the instant ones leave nothing behind."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from services.publishing.connectors import Post, build
from shared.platforms import PLATFORMS


def built(data_dir: Path, *, instant: bool) -> dict[str, object]:
    return dict(
        build(
            data_dir=data_dir,
            blog_url="http://127.0.0.1:8080/blog",
            x_url="https://api.x.com",
            linkedin_url="https://api.linkedin.com",
            linkedin_version="202610",
            timeout=5,
            instant=instant,
        )
    )


def test_every_platform_has_a_connector(tmp_path: Path) -> None:
    assert set(built(tmp_path, instant=False)) == set(built(tmp_path, instant=True)) == set(PLATFORMS)


async def test_instant_connectors_publish_without_leaving_a_trace(tmp_path: Path) -> None:
    connectors = build(
        data_dir=tmp_path, blog_url="", x_url="", linkedin_url="", linkedin_version="", timeout=1, instant=True
    )
    for name, connector in connectors.items():
        post = Post(uuid4(), uuid4(), uuid4(), name, "T", "C", (), datetime.now(UTC))
        published = await connector.publish(post, None)
        assert published == await connector.publish(post, None)
        assert str(post.job_id) in published.url
        assert await connector.find(post, None) is None
        await connector.close()
    assert os.listdir(tmp_path) == []
