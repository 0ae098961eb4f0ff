"""A live stream tells at once what is committed while it reads, and ends where it is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Meta
from contracts.events.workflow import DraftAccepted, DraftRejected, PlatformEvent
from shared.decider import Invalid
from shared.http import live
from shared.ids import new_id

WORKFLOW = new_id()


def event(kind: type[PlatformEvent], version: int) -> PlatformEvent:
    made = kind(workflow_id=WORKFLOW, user_id=new_id(), platform="x", draft_id=new_id())  # type: ignore[call-arg]
    return made.at(Meta(new_id(), "workflow", WORKFLOW, version, datetime.now(UTC), WORKFLOW))


class Reading:
    """A store in which somebody commits an event just after it was read."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Any], None]] = []
        self.events = [event(DraftAccepted, 1)]
        self.reads = 0

    async def after(self, stream_id: UUID, version: int) -> list[PlatformEvent]:
        found = [each for each in self.events if each.meta.version > version]
        self.reads += 1
        if self.reads == 1:
            self.events += [event(DraftRejected, 2), event(DraftAccepted, 3)]
            for listen in self.listeners:
                listen(SimpleNamespace(events=self.events[-1:]))
        return found


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> live.Live:
    monkeypatch.setattr(live, "_LOOK_AGAIN", 60.0)
    store = Reading()
    kit: Any = SimpleNamespace(listeners=store.listeners, store=store)
    return live.Live(kit)


async def test_what_is_committed_while_the_stream_reads_is_told_at_once(streams: live.Live) -> None:
    stream = streams.events(WORKFLOW, 0)
    async with asyncio.timeout(30):
        assert [(await anext(stream)).id for _ in range(3)] == ["1", "2", "3"]


async def test_a_stream_ends_with_the_last_of_its_events(streams: live.Live) -> None:
    async with asyncio.timeout(30):
        assert [each.event async for each in streams.events(WORKFLOW, 0, (DraftRejected,))] == [
            "DraftAccepted",
            "DraftRejected",
        ]


@pytest.mark.parametrize("number", ["", "-1", "1.5", "²", "x", "1" * 10])
def test_what_is_no_number_is_refused(streams: live.Live, number: str) -> None:
    with pytest.raises(Invalid, match="as you received it"):
        streams.response(WORKFLOW, number)
