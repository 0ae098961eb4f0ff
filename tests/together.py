"""How tests are divided among the processes that `make test` runs side by side.

What stands on the same servers is one unit of work and stays in one process; the longest units begin first.
"""

from __future__ import annotations

import os
import re

import pytest
from xdist.scheduler import LoadScopeScheduling

_BROKER = re.compile(r"\[(?:.*-)?(tansu|kafka|apache_kafka)(?:-.*)?\]$")


def unit(nodeid: str) -> str:
    """The unit of a test: its file, or the folder that shares its servers.

    One for each broker where the whole platform or Apache Kafka is started; a given database holds one platform at a
    time.
    """
    file = nodeid.partition("::")[0]
    found = _BROKER.search(nodeid)
    broker = found[1] if found else ""
    if file.startswith("tests/e2e/") and "PRESSWORK_POSTGRES_URL" in os.environ:
        return "the platform"
    if file.startswith("tests/e2e/") and broker:
        return f"the platform on {broker}"
    if broker == "apache_kafka":
        return broker
    return "/".join(file.split("/")[:3])


def longest_first(items: list[pytest.Item]) -> None:
    """Put the units in the order in which they shall begin; within a unit nothing changes."""
    kinds = ("e2e", "chaos", "property", "integration", "contract")  # and the rest, as it comes
    items.sort(key=lambda item: next((at for at, kind in enumerate(kinds) if f"tests/{kind}/" in item.nodeid), 9))


class Together(LoadScopeScheduling):
    """Hands out whole units."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
