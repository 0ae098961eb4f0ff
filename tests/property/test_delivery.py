"""Appends, relays, crashes, lost and repeated messages in any order: each effect happens once, and in order.

The store, the relay's, the consumer's and the inbox's code are the real ones; see tests/property/world.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from tests.property.world import World, impatient, world

CUSTOMERS = st.integers(0, 3)
TWO = st.integers(0, 1)
FEW = st.integers(1, 6)


class Delivery(RuleBasedStateMachine):
    """One example is one world."""

    postgres: EmbeddedPostgres | GivenPostgres
    folder: Path
    runner: asyncio.Runner
    stack: AsyncExitStack
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()
        self.world = self.do(self.stack.enter_async_context(world(self.postgres, self.folder)))

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    @rule(customer=CUSTOMERS, count=st.integers(1, 3))
    def pay(self, customer: int, count: int) -> None:
        self.do(self.world.pay(customer, count))

    @precondition(lambda self: len(self.world.lingering) < 3)
    @rule(positioned=st.booleans())
    def begin_to_pay(self, positioned: bool) -> None:
        self.do(self.world.begin_to_pay(positioned=positioned))

    @precondition(lambda self: self.world.lingering)
    @rule(data=st.data(), commit=st.booleans())
    def end_paying(self, data: st.DataObject, commit: bool) -> None:
        which = data.draw(st.integers(0, len(self.world.lingering) - 1))
        self.do(self.world.end_paying(which, commit=commit))

    @rule(which=TWO, most=FEW)
    def publish(self, which: int, most: int) -> None:
        self.do(self.world.publishers[which].publish(most))

    @rule(which=TWO)
    def check(self, which: int) -> None:
        self.do(self.world.publishers[which].check())

    @rule(which=TWO)
    def crash_a_relay(self, which: int) -> None:
        self.do(self.world.publishers[which].take_up())

    @rule(lose=st.integers(0, 3), deny=st.integers(0, 3))
    def lose_messages(self, lose: int, deny: int) -> None:
        self.world.topic.lose, self.world.topic.deny = lose, deny

    @rule(which=TWO, partition=st.integers(0, 2), most=FEW)
    def hear(self, which: int, partition: int, most: int) -> None:
        self.do(self.world.members[which].hear(partition, most))

    @rule(which=TWO)
    def tend(self, which: int) -> None:
        self.do(self.world.members[which].tend())

    @rule(which=TWO)
    def report(self, which: int) -> None:
        self.do(self.world.members[which].report(self.world.till, "ledger"))

    @rule(which=TWO)
    def crash_a_member(self, which: int) -> None:
        """It begins at the beginning again, which delivers everything once more."""
        self.do(self.world.members[which].start())

    @rule()
    def empty_the_broker(self) -> None:
        self.world.topic.empty()

    @precondition(lambda self: self.world.topic.partitions == 2)
    @rule()
    def empty_the_broker_with_more_partitions(self) -> None:
        self.world.topic.empty(3)

    @rule(customer=CUSTOMERS)
    def ban(self, customer: int) -> None:
        self.do(self.world.ban(customer))

    @rule()
    def pardon(self) -> None:
        self.do(self.world.pardon())

    @invariant()
    def nothing_came_twice_or_out_of_order(self) -> None:
        self.do(self.world.nothing_came_twice_or_out_of_order())

    def teardown(self) -> None:
        try:
            self.do(self.world.settle())
        finally:
            self.do(self.stack.aclose())


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


def test_whatever_happens_each_effect_happens_once_and_in_order(
    postgres: EmbeddedPostgres | GivenPostgres,
    runner: asyncio.Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impatient(monkeypatch)
    machine = type("Machine", (Delivery,), {"postgres": postgres, "folder": tmp_path, "runner": runner})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
