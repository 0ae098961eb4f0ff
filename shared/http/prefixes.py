"""Settings that differ by the beginning of a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def longest(path: str, by_prefix: Mapping[str, T], default: T) -> T:
    """The value of the longest prefix of whole segments that `path` begins with, else `default`."""
    best, found = -1, default
    for prefix, value in by_prefix.items():
        if len(prefix) > best and (path == prefix or path.startswith(prefix + "/")):
            best, found = len(prefix), value
    return found
