"""Connections that are renamed, preferred, switched off and on again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.events.publishing import (
    ConnectionActivated,
    ConnectionAdded,
    ConnectionDeactivated,
    ConnectionMadeDefault,
    ConnectionRemoved,
    ConnectionRenamed,
)
from services.publishing.domain import connections
from services.publishing.domain.connections import ChangeConnection, RemoveConnection
from shared.decider import Conflict, NotFound
from tests.deciding import Deciding, deciding

USER = UUID(int=1)
FIRST, SECOND, OTHER = (UUID(int=number) for number in (11, 12, 13))


def added(connection_id: UUID, name: str, platform: str = "x", *, is_default: bool = False) -> ConnectionAdded:
    return ConnectionAdded(
        connection_id=connection_id,
        user_id=USER,
        name=name,
        platform_type=platform,
        instance_url="https://example.org",
        is_default=is_default,
        access_token="sealed",
    )


def two() -> Deciding:
    """The first is the default of X; the other platform has one of its own."""
    return deciding(connections.decider).given(
        added(FIRST, "Work", is_default=True),
        added(SECOND, "Play"),
        added(OTHER, "Elsewhere", "mastodon", is_default=True),
    )


def change(connection_id: UUID, **wishes: Any) -> ChangeConnection:
    return ChangeConnection(connection_id, USER, **wishes)


def whose(connection_id: UUID) -> dict[str, UUID]:
    return {"connection_id": connection_id, "user_id": USER}


def test_a_connection_gets_another_name_once() -> None:
    two().when(change(FIRST, name="Office")).then(ConnectionRenamed(**whose(FIRST), name="Office"))
    two().when(change(FIRST, name="Work")).then_nothing()
    two().when(change(FIRST, name="Play")).then_refused(Conflict, "choose another name")


def test_a_name_that_was_given_up_is_free() -> None:
    two().given(ConnectionRenamed(**whose(FIRST), name="Office")).when(change(SECOND, name="Work")).then_types(
        ConnectionRenamed
    )


def test_another_default_takes_the_place_of_the_one_before() -> None:
    two().when(change(SECOND, make_default=True)).then(ConnectionMadeDefault(**whose(SECOND), replaces_id=FIRST))
    two().when(change(FIRST, make_default=True)).then_nothing()


def test_when_the_default_is_switched_off_an_active_one_follows() -> None:
    after = two().when(change(FIRST, is_active=False)).then_types(ConnectionDeactivated)
    assert after.state.default("x") == SECOND
    assert after.state.default("mastodon") == OTHER
    after.when(change(SECOND, is_active=False)).then(ConnectionDeactivated(**whose(SECOND), successor_id=None))


def test_what_is_switched_off_is_no_default_and_follows_nobody() -> None:
    off = two().given(ConnectionDeactivated(**whose(SECOND)))
    off.when(change(SECOND, make_default=True)).then_refused(Conflict, "activate it", current="inactive")
    off.when(change(SECOND, is_active=False)).then_nothing()
    off.when(RemoveConnection(FIRST, USER)).then(ConnectionRemoved(**whose(FIRST), successor_id=None))


def test_switched_on_again_it_is_the_default_when_there_is_none() -> None:
    off = two().given(ConnectionDeactivated(**whose(SECOND)))
    off.when(change(SECOND, is_active=True)).then(ConnectionActivated(**whose(SECOND), is_default=False))
    none = off.given(ConnectionDeactivated(**whose(FIRST)))
    none.when(change(SECOND, is_active=True)).then(ConnectionActivated(**whose(SECOND), is_default=True))


def test_wishes_of_one_request_follow_each_other() -> None:
    off = two().given(ConnectionDeactivated(**whose(SECOND)))
    off.when(change(SECOND, name="Home", is_active=True, make_default=True)).then_types(
        ConnectionRenamed, ConnectionActivated, ConnectionMadeDefault
    )


def test_a_connection_that_is_not_there_cannot_be_changed() -> None:
    two().when(change(UUID(int=99), name="Ghost")).then_refused(NotFound, "list your connections")
