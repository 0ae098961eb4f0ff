"""The ledger: posts every payment it hears, and writes a receipt for each.

Its domain does not notice repetitions: that each effect happens once, and in order, is the kit's doing alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from contracts.envelope import Event
from shared.decider import Decider, Invalid
from shared.ids import derive
from shared.kit import Kit, Service
from shared.projection import RowChange, add, projects, upsert
from shared.reactions import GiveUp, LeasedTask, RetryLater, Task, gave_up, on, work
from tests.kit import events
from tests.kit.events import LEDGER, Paid, Posted, Receipted, Refused
from tests.kit.settings import KitSettings

LEASE = 3.0  # seconds
ATTEMPTS = 3
CONCURRENCY = 6
NARROW = 2  # tasks of the lane "narrow" at a time


@dataclass(frozen=True, slots=True)
class Post:
    customer_id: UUID
    number: int
    receipt: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordReceipt:
    customer_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class RecordRefusal:
    customer_id: UUID
    number: int
    reason: str


def decide(command: Post | RecordReceipt | RecordRefusal, state: None) -> list[Event]:
    match command:
        case Post():
            return [Posted(customer_id=command.customer_id, number=command.number, receipt=command.receipt)]
        case RecordReceipt():
            if command.number < 0:
                raise Invalid("There is no such payment.")
            return [Receipted(number=command.number)]
        case RecordRefusal():
            return [Refused(number=command.number, reason=command.reason)]


@on(Paid)
def post(event: Paid) -> Post:
    return Post(event.meta.stream_id, event.number, event.receipt)


@on(Posted)
def ask_for_receipt(event: Posted) -> Task | list[Task]:
    plan = event.receipt
    if plan.get("none"):
        return []
    due = plan.get("due")
    return Task(
        derive(event.meta.event_id, "receipt"),
        "slip" if plan.get("harmless") else "receipt",
        {"customer_id": event.customer_id, "number": event.number, **plan},
        due_at=None if due is None else datetime.now(UTC) + timedelta(seconds=due),
        lane=plan.get("lane", ""),
    )


_BEGAN = "INSERT INTO doings (task_id, number, attempt, process) VALUES ($1, $2, $3, $4) RETURNING id"
_ENDED = "UPDATE doings SET ended_at = clock_timestamp() WHERE id = $1"


@work("receipt", lease=LEASE, attempts=ATTEMPTS, concurrency=CONCURRENCY, lane_limit={"narrow": NARROW})
async def write_receipt(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Does what the plan says, and notes that it did: this note stands for the call to the outside."""
    plan, pool = task.payload, kit.database.pool
    doing = await pool.fetchval(_BEGAN, task.id, plan["number"], task.attempts, os.getpid())
    if task.attempts <= plan.get("kill", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(plan.get("seconds", 0))
    if task.attempts <= plan.get("fail", 0):
        raise ValueError("the printer is out of paper")
    if task.attempts <= plan.get("later", 0):
        raise RetryLater(0.1, "the printer is busy")
    if plan.get("give_up"):
        raise GiveUp("there is no printer")
    await pool.execute(_ENDED, doing)
    if task.attempts <= plan.get("freeze", 0):
        time.sleep(LEASE + 0.5)  # noqa: ASYNC251 - the whole process stands still and does not notice
    number = -1 if plan.get("refused") else plan["number"]
    return [RecordReceipt(UUID(plan["customer_id"]), number)]


@gave_up("receipt")
def refuse(task: LeasedTask, reason: str) -> list[RecordRefusal]:
    return [RecordRefusal(UUID(task.payload["customer_id"]), task.payload["number"], reason)]


@work("slip", lease=LEASE, attempts=ATTEMPTS, concurrency=CONCURRENCY, harmless=True)
async def write_slip(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """The same, but it may begin early; with nothing else in the plan, it is done at once and noted nowhere."""
    plan = task.payload
    if plan.keys() - {"customer_id", "number", "harmless"}:
        return await write_receipt(task, kit)
    return [RecordReceipt(UUID(plan["customer_id"]), plan["number"])]


@gave_up("slip")
def refuse_slip(task: LeasedTask, reason: str) -> list[RecordRefusal]:
    return refuse(task, reason)


@work("unspoken", lease=LEASE, attempts=2)
async def fail_unspoken(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Fails, and nobody has marked what is said then."""
    await kit.database.pool.fetchval(_BEGAN, task.id, 0, task.attempts, os.getpid())
    raise GiveUp("nobody asked for it")


@projects(Paid)
def enter(event: Paid, at: datetime) -> list[RowChange]:
    key = {"customer_id": event.meta.stream_id}
    entry = upsert("entries", {"id": event.meta.event_id}, **key, amount=event.amount, at=at)  # twice is no error
    return [entry, upsert("totals", key), add("totals", key, payments=1, amount=event.amount)]


@projects(Receipted)
def count_receipt(event: Receipted, at: datetime) -> list[RowChange]:
    key = {"customer_id": event.meta.stream_id}
    return [upsert("totals", key), add("totals", key, receipts=1)]


router = APIRouter()


class Posting(BaseModel):
    customer_id: UUID
    number: int
    receipt: dict[str, Any] = {}


@router.post("/postings", status_code=201)
async def post_by_hand(posting: Posting, request: Request) -> None:
    await request.app.state.kit.handle(Post(**posting.model_dump()), actor=None)


account = Decider(
    stream="account",
    initial=None,
    decide=decide,
    evolve=lambda state, event: None,
    commands=(Post, RecordReceipt, RecordRefusal),
    stream_id=lambda command: command.customer_id,
)
service = Service(
    name=LEDGER,
    settings=KitSettings,
    registry=events,
    deciders=[account],
    projections=[sys.modules[__name__]],
    reactions=[sys.modules[__name__]],
    routers=[router],
)
TABLES = """
CREATE TABLE entries (
    id uuid PRIMARY KEY, customer_id uuid NOT NULL, amount integer NOT NULL CHECK (amount > 0), at timestamptz NOT NULL
);
CREATE TABLE totals (
    customer_id uuid PRIMARY KEY, payments integer NOT NULL DEFAULT 0, amount bigint NOT NULL DEFAULT 0,
    receipts integer NOT NULL DEFAULT 0
);
-- What workers did, whether or not it was recorded.
CREATE TABLE doings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id uuid NOT NULL, number integer NOT NULL,
    attempt integer NOT NULL, process integer NOT NULL, began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
-- A customer whose payments cannot be entered, as long as they stand here.
CREATE TABLE banned (customer_id uuid PRIMARY KEY);
CREATE FUNCTION refuse_banned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM banned WHERE banned.customer_id = NEW.customer_id) THEN
        RAISE EXCEPTION 'this customer is banned';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_banned BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION refuse_banned();
"""
