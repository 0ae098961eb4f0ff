"""Each mechanism of delivery, alone: a story that ends well, and ends badly when the mechanism is broken.

So it is seen that the stories, and the state machine that tells them at random, can fail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from contracts.envelope import START, glance
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from shared.bus import consumer, cursor, inbox, marks
from shared.eventstore import statements
from tests.property.world import World, impatient, world

Break = Callable[[pytest.MonkeyPatch], None]


def edited(place: object, name: str, **changes: str) -> Break:
    """Breaks a statement by replacing parts of it, each of which must be there."""

    def broken(patch: pytest.MonkeyPatch) -> None:
        sql = getattr(place, name)
        for old, new in changes.values():
            assert old in sql, old
            sql = sql.replace(old, new)
        patch.setattr(place, name, sql)

    return broken


def replaced(place: object, name: str, by: object) -> Break:
    return lambda patch: patch.setattr(place, name, by)


async def publish(here: World) -> None:
    """The relay that took up last publishes what it sees, and saves how far it came."""
    await here.publishers[-1].publish(100)
    await here.publishers[-1].save()


async def hear_all(here: World, member: int = 0) -> None:
    for partition in range(here.topic.partitions):
        while await here.members[member].hear(partition, 100):
            pass


async def a_transaction_that_commits_late(here: World) -> None:
    """Its id and position are from before those of one that is committed and published."""
    await here.begin_to_pay()
    await here.pay(0, 1)
    await publish(here)
    await here.end_paying(0, commit=True)


async def a_position_taken_late(here: World) -> None:
    """The transaction that began first takes its position last, and commits first."""
    await here.begin_to_pay(positioned=False)
    await here.begin_to_pay(positioned=True)
    await here.end_paying(0, commit=True)
    await publish(here)
    await here.end_paying(0, commit=True)


async def an_emptied_broker_before_a_consumer_that_is_behind(here: World) -> None:
    """What is published before the relay notices is not the next for the consumer."""
    await here.pay(0, 2)
    await publish(here)
    await here.members[0].report(here.till, "ledger")
    here.topic.empty()
    await here.pay(0, 1)
    await publish(here)
    await hear_all(here)


async def a_batch_that_failed_before_one_that_did_not(here: World) -> None:
    """The first messages of a batch expire, the later ones arrive, then all are published again."""
    await here.pay(0, 3)
    here.topic.lose = 1
    await publish(here)
    await hear_all(here)


async def two_members_with_the_same_partition(here: World) -> None:
    """One of them does not know yet that the partition is no longer its own."""
    await here.pay(0, 2)
    await publish(here)
    await hear_all(here, 0)
    await hear_all(here, 1)


async def streams_that_change_places(here: World) -> None:
    """One partition was heard, the other was not, and then there are three."""
    for customer in range(4):
        await here.pay(customer, 2)
    await publish(here)
    await here.members[0].hear(0, 100)
    await here.members[0].report(here.till, "ledger")
    here.topic.empty(3)


async def a_fault_that_is_mended_before_the_retry(here: World) -> None:
    """A later event of the stream comes between."""
    await here.ban(0)
    await here.pay(0, 1)
    await publish(here)
    await hear_all(here)
    await here.pardon()
    await here.pay(0, 1)
    await publish(here)
    await hear_all(here)


async def a_relay_that_does_not_know_it_was_replaced(here: World) -> None:
    """It published to a broker that was emptied since, and saves that when its successor is in the middle of it."""
    successor, zombie = here.publishers
    await here.pay(0, 4)
    await zombie.publish(100)
    here.topic.empty()
    await successor.take_up()
    await successor.publish(2)
    await successor.check()
    await zombie.save()


async def told(here: World, story: Callable[[World], Awaitable[None]]) -> None:
    """The story, and whether it ended well."""
    await story(here)
    await here.settle()


STORIES: list[tuple[Callable[[World], Awaitable[None]], Break]] = [
    (a_transaction_that_commits_late, edited(statements, "IN_COMMIT_ORDER", gate=(statements.GATE, "true"))),
    (
        a_position_taken_late,
        edited(
            statements,
            "IN_COMMIT_ORDER",
            cursor=("(transaction_id, position) > ($1::text::xid8, $2)", "position > $2 AND $1::text IS NOT NULL"),
            order=("ORDER BY events.transaction_id, events.position", "ORDER BY events.position"),
        ),
    ),
    (
        an_emptied_broker_before_a_consumer_that_is_behind,
        replaced(consumer, "glance", lambda headers: glance(headers)._replace(previous=START)),
    ),
    (
        a_batch_that_failed_before_one_that_did_not,
        replaced(consumer, "glance", lambda headers: glance(headers)._replace(previous=START)),
    ),
    (
        two_members_with_the_same_partition,
        edited(
            statements,
            "MOVE_MARKS",
            compare=("heard.transaction_id = new.old_transaction AND heard.position = new.old_position", "true"),
        ),
    ),
    (streams_that_change_places, replaced(marks.Marks, "was_heard_elsewhere", lambda *_: False)),
    (a_fault_that_is_mended_before_the_retry, replaced(inbox.Inbox, "_waits", lambda *_: False)),
    (
        a_relay_that_does_not_know_it_was_replaced,
        edited(cursor, "_MOVE", term=("WHERE term = $1", "WHERE $1::bigint IS NOT NULL")),
    ),
]


@pytest.mark.parametrize(("story", "broken"), STORIES, ids=[story.__name__ for story, _ in STORIES])
@pytest.mark.parametrize("works", [True, False], ids=["ends well", "ends badly when broken"])
async def test_the_story(
    postgres: EmbeddedPostgres | GivenPostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[World], Awaitable[None]],
    broken: Break,
    works: bool,
) -> None:
    impatient(monkeypatch)
    async with world(postgres, tmp_path) as here:
        if works:
            await told(here, story)
            return
        broken(monkeypatch)
        with pytest.raises(AssertionError, match=r"lost|twice"):
            await told(here, story)
