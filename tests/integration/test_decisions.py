"""Decisions on the real store: taken on what is true now, whatever another process did meanwhile, and kept in order."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from contracts.envelope import Event, Meta
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from shared.decider import Conflict, Decider
from shared.kit import Kit, Service
from shared.reactions import on
from shared.settings import ServiceSettings
from tests.kit.house import House, house


class Opened(Event):
    owner: ClassVar[str] = "till"
    stream: ClassVar[str] = "door"


class Closed(Event):
    owner: ClassVar[str] = "till"
    stream: ClassVar[str] = "door"


class Rang(Event):
    owner: ClassVar[str] = "till"
    stream: ClassVar[str] = "door"

    times: int


@dataclass(frozen=True, slots=True)
class Open:
    door_id: UUID


@dataclass(frozen=True, slots=True)
class Close:
    door_id: UUID


@dataclass(frozen=True, slots=True)
class Enter:
    door_id: UUID


@dataclass(frozen=True, slots=True)
class Ring:
    door_id: UUID
    times: int


def decide(command: Open | Close | Enter | Ring, is_open: bool) -> list[Event]:
    match command:
        case Open():
            return [] if is_open else [Opened(), Rang(times=2)]
        case Close():
            return [Closed()] if is_open else []
        case Enter():
            if not is_open:
                raise Conflict("The door is shut.")
            return []
        case Ring():
            return [Rang(times=command.times)]


def evolve(is_open: bool, event: Event) -> bool:
    return {"Opened": True, "Closed": False}.get(type(event).__name__, is_open)


@on(Opened, Rang)
def ring(event: Opened | Rang) -> Ring | None:
    """The bell answers on the stream that is just being appended to."""
    times = event.times - 1 if isinstance(event, Rang) else 3
    return Ring(event.meta.stream_id, times) if times > 0 else None


def restore(event_type: str, schema_version: int, data: str, private: str | None, meta: Meta) -> Event:
    event: Event = {"Opened": Opened, "Closed": Closed, "Rang": Rang}[event_type].model_validate_json(data)
    return event.at(meta)


door = Decider(
    stream="door",
    initial=False,
    decide=decide,
    evolve=evolve,
    commands=(Open, Close, Enter, Ring),
    stream_id=lambda command: command.door_id,
    creating=(Open,),
)
service = Service(
    name="till",
    settings=ServiceSettings,
    registry=sys.modules[__name__],
    deciders=[door],
    projections=[ModuleType("none")],
    reactions=[sys.modules[__name__]],
    routers=[],
)


@pytest.fixture
async def here(postgres: EmbeddedPostgres | GivenPostgres, tmp_path: Path) -> AsyncIterator[House]:
    async with house(postgres, "127.0.0.1:9", tmp_path) as found:
        yield found


@pytest.fixture
async def processes(here: House) -> AsyncIterator[tuple[Kit, Kit]]:
    """Two kits, each with a memory of its own, as in two processes."""
    common = {"database_url": here.till.dsn, "field_keys": Fernet.generate_key().decode(), "kafka_url": "127.0.0.1:9"}
    one, two = (Kit(service, ServiceSettings(**common)) for _ in range(2))
    await one.database.open()
    await two.database.open()
    yield one, two
    await one.database.close()
    await two.database.close()


async def test_nothing_to_do_is_decided_on_what_is_true_now(here: House, processes: tuple[Kit, Kit]) -> None:
    """To do nothing appends nothing, so no version in the store tells that the remembered state was old."""
    one, two = processes
    door_id = uuid4()
    await one.handle(Open(door_id), actor=None)
    await two.handle(Close(door_id), actor=None)
    await one.handle(Open(door_id), actor=None)  # `one` remembers an open door, for which there is nothing to do
    types = await here.till.fetch("SELECT type FROM events WHERE type <> 'Rang' ORDER BY version")
    assert [row["type"] for row in types] == ["Opened", "Closed", "Opened"]


async def test_a_refusal_is_decided_on_what_is_true_now(processes: tuple[Kit, Kit]) -> None:
    one, two = processes
    door_id = uuid4()
    await one.handle(Open(door_id), actor=None)
    await one.handle(Close(door_id), actor=None)
    await two.handle(Open(door_id), actor=None)
    await one.handle(Enter(door_id), actor=None)  # `one` remembers a shut door
    await two.handle(Close(door_id), actor=None)
    with pytest.raises(Conflict):
        await one.handle(Enter(door_id), actor=None)


async def test_a_stream_keeps_its_order_when_reactions_append_to_it(here: House, processes: tuple[Kit, Kit]) -> None:
    await processes[0].handle(Open(uuid4()), actor=None)
    rows = await here.till.fetch("SELECT version FROM events ORDER BY transaction_id, position")
    assert [row["version"] for row in rows] == [*range(1, len(rows) + 1)]
    assert len(rows) > 3
