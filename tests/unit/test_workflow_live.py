"""The live stream of a workflow tells at once what is committed while it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Meta
from contracts.events.workflow import DraftAccepted
from services.workflow import live
from shared.ids import new_id

WORKFLOW = new_id()


def accepted(version: int) -> DraftAccepted:
    event = DraftAccepted(
        workflow_id=WORKFLOW, user_id=new_id(), workflow_status="running", platform="x", draft_id=new_id()
    )
    return event.at(Meta(new_id(), "workflow", WORKFLOW, version, datetime.now(UTC), WORKFLOW))


class Reading:
    """A store in which somebody commits an event just after it was read."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Any], None]] = []
        self.events = [accepted(1)]
        self.reads = 0

    async def after(self, stream_id: UUID, version: int) -> list[DraftAccepted]:
        found = [event for event in self.events if event.meta.version > version]
        self.reads += 1
        if self.reads == 1:
            self.events.append(accepted(2))
            for listen in self.listeners:
                listen(SimpleNamespace(events=self.events[-1:]))
        return found


async def test_what_is_committed_while_the_stream_reads_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_LOOK_AGAIN", 60.0)
    store = Reading()
    kit: Any = SimpleNamespace(listeners=store.listeners, store=store)
    stream = live._events(kit, live.Live(kit), WORKFLOW, 0)
    async with asyncio.timeout(5):
        assert [(await anext(stream)).id for _ in range(2)] == ["1", "2"]
