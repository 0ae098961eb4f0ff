"""A subscription that will never hear again is given up, whatever the client thinks of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from shared.bus import consumer as consuming
from shared.bus.consumer import Consumer, Resubscribe
from shared.settings import ServiceSettings
from shared.telemetry.metrics import Metrics


class Joining:
    """A client in the middle of joining its group, which brokers that were restarted may leave it in for ever."""

    _fetcher = SimpleNamespace()

    async def getmany(self, **_: Any) -> None:
        await asyncio.Event().wait()


async def test_a_group_that_never_answers_ends_in_a_new_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "JOINING", 0.01)
    inbox: Any = SimpleNamespace(marks=None)
    consumer = Consumer(ServiceSettings(database_url="", field_keys=""), inbox, [], Metrics("deaf"))
    with pytest.raises(Resubscribe, match="no partitions"):
        await consumer._drain(Joining())  # type: ignore[arg-type]
