"""The till: takes payments over HTTP."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from contracts.envelope import Event
from shared.decider import Decider
from shared.kit import Service
from shared.projection import RowChange, add, projects, upsert
from tests.kit import events
from tests.kit.events import TILL, Closed, Paid
from tests.kit.settings import KitSettings


@dataclass(frozen=True, slots=True)
class Pay:
    customer_id: UUID
    count: int = 1
    amount: int = 1
    receipt: dict[str, Any] | None = None
    close: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    payments: int = 0


def decide(command: Pay, customer: Customer) -> list[Event]:
    paid: list[Event] = [
        Paid(number=customer.payments + each, amount=command.amount, receipt=command.receipt or {})
        for each in range(1, command.count + 1)
    ]
    return [*paid, Closed()] if command.close else paid


def evolve(customer: Customer, event: Event) -> Customer:
    return replace(customer, payments=customer.payments + 1) if isinstance(event, Paid) else customer


@projects(Paid)
def count(event: Paid, at: Any) -> list[RowChange]:
    key = {"customer_id": event.meta.stream_id}
    return [upsert("customers", key), add("customers", key, payments=1)]


router = APIRouter()


class Payment(BaseModel):
    customer_id: UUID
    count: int = 1
    amount: int = 1
    receipt: dict[str, Any] = {}
    close: bool = False


@router.post("/payments", status_code=201)
async def pay(payment: Payment, request: Request) -> int:
    command = Pay(**payment.model_dump())
    customer: Customer = await request.app.state.kit.handle(command, actor=None)
    return customer.payments


customer = Decider(
    stream="customer",
    initial=Customer(),
    decide=decide,
    evolve=evolve,
    commands=(Pay,),
    stream_id=lambda command: command.customer_id,
)
service = Service(
    name=TILL,
    settings=KitSettings,
    registry=events,
    deciders=[customer],
    projections=[sys.modules[__name__]],
    reactions=[ModuleType("none")],
    routers=[router],
)
TABLES = """
CREATE TABLE customers (customer_id uuid PRIMARY KEY, payments integer NOT NULL DEFAULT 0);
"""
