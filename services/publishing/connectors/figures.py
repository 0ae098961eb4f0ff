"""Reading figures out of an answer: a platform may send anything, and what is no figure counts as none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.publishing.connectors.port import PublishError


def figure(value: Any) -> int:
    """A count of 0 or more; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def total(posts: Iterable[Mapping[str, Any]], name: str) -> int:
    """One figure of all posts together."""
    return sum(figure(post.get(name)) for post in posts)


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none when it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def unclear(name: str) -> PublishError:
    """The error of an answer that says neither how the post is doing nor that it is gone."""
    return PublishError("transient", f"{name} did not say how the post is doing; it is asked again later.")
