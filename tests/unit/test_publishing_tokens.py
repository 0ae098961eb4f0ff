"""Tokens of connections, and jobs that wait for one, as pure decisions; the state that travels through a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.publishing import (
    ConnectionAdded,
    ConnectionBroken,
    ConnectionPaused,
    ConnectionReconnected,
    ConnectionTokenRenewed,
    JobHeld,
    JobQueued,
    JobReleased,
    JobRetried,
    JobStarted,
)
from services.publishing.domain import connections, job
from services.publishing.domain.commands import HoldJob, ReleaseJob, RetryJob, StartJob
from services.publishing.domain.connections import ConnectAccount
from services.publishing.domain.tokens import BreakConnection, PauseConnection, Reconnect, RenewToken
from services.publishing.oauth.state import State, new_verifier, seal, unseal
from shared.decider import Conflict, Forbidden, Invalid, NotFound
from shared.security.fields import FieldCipher, generate_key
from tests.deciding import Deciding, deciding

USER, CONNECTION, OTHER, JOB, DRAFT = (UUID(int=number) for number in (1, 11, 12, 21, 31))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
WHOSE: dict[str, Any] = {"connection_id": CONNECTION, "user_id": USER}
OF_JOB: dict[str, Any] = {"job_id": JOB, "workflow_id": UUID(int=41), "user_id": USER, "platform": "x"} | {
    "draft_id": DRAFT
}


def connected() -> Deciding:
    event = ConnectionAdded(
        **WHOSE,
        name="x ada",
        platform_type="x",
        instance_url="https://api.x.com",
        username="ada",
        settings={"user_id": "7"},
        renewable=True,
        access_token="a",
        refresh_token="r",
    )
    return deciding(connections.decider).given(event)


def logged_in(username: str = "ada", number: str = "7", **more: Any) -> ConnectAccount:
    return ConnectAccount(
        **{
            "connection_id": OTHER,
            "user_id": USER,
            "platform": "x",
            "instance_url": "https://api.x.com",
            "username": username,
            "is_default": True,
            "settings": {"user_id": number},
            "access_token": "b",
            "refresh_token": "s",
            "expires_at": LATER,
            **more,
        }
    )


def renewed(turn: int = 1) -> RenewToken:
    return RenewToken(CONNECTION, USER, turn, "b", "s", LATER)


def test_a_token_is_renewed_once() -> None:
    event = ConnectionTokenRenewed(**WHOSE, token_turn=2, token_expires_at=LATER, access_token="b", refresh_token="s")
    connected().when(renewed()).then(event)
    connected().given(event).when(renewed()).then_nothing()
    deciding(connections.decider).when(renewed()).then_nothing()


def test_a_connection_breaks_once_and_not_for_a_token_that_was_replaced() -> None:
    broken = ConnectionBroken(**WHOSE, token_turn=1, reason="Revoked.", platform_type="x", name="x ada")
    connected().when(BreakConnection(CONNECTION, USER, 1, "Revoked.")).then(broken)
    connected().given(broken).when(BreakConnection(CONNECTION, USER, 1, "Revoked.")).then_nothing()
    connected().when(renewed()).then_types(ConnectionTokenRenewed).when(
        BreakConnection(CONNECTION, USER, 1, "Revoked.")
    ).then_nothing()


def test_a_broken_connection_works_again_with_another_token() -> None:
    broken = connected().given(ConnectionBroken(**WHOSE, token_turn=1, reason="Revoked."))
    again = broken.when(Reconnect(CONNECTION, USER, "b", None, None)).then_types(ConnectionReconnected)
    assert not again.state.present[CONNECTION].broken
    again.when(BreakConnection(CONNECTION, USER, 2, "Revoked.")).then_types(ConnectionBroken)
    broken.when(Reconnect(OTHER, USER, "b", None, None)).then_refused(NotFound)


def test_logging_in_to_a_connected_account_connects_it_again_whatever_its_name_is_by_now() -> None:
    connected().when(logged_in("ada_renamed")).then(
        ConnectionReconnected(
            **WHOSE,
            token_turn=2,
            username="ada_renamed",
            token_expires_at=LATER,
            renewable=True,
            access_token="b",
            refresh_token="s",
        )
    )


def test_logging_in_to_another_account_makes_a_connection_with_a_name_of_its_own() -> None:
    made = connected().when(logged_in("bob", "8")).then_types(ConnectionAdded)
    assert made.state.present[OTHER].name == "x bob"
    made.when(logged_in("bob", "8")).then_nothing()
    twin = made.when(logged_in("bob", "9", connection_id=UUID(int=13), instance_url="https://other.example"))
    assert twin.then_types(ConnectionAdded).state.present[UUID(int=13)].name == "x bob (2)"


def test_a_named_connection_is_not_given_to_another_account() -> None:
    connected().when(logged_in("bob", "8", again_id=CONNECTION)).then_refused(Conflict, "another account")
    connected().when(logged_in(again_id=UUID(int=99))).then_refused(NotFound)
    connected().when(logged_in(again_id=CONNECTION)).then_types(ConnectionReconnected)


def test_an_account_rests_as_long_as_the_platform_says() -> None:
    paused = ConnectionPaused(**WHOSE, until=LATER)
    connected().when(PauseConnection(CONNECTION, USER, LATER)).then(paused)
    connected().given(paused).when(PauseConnection(CONNECTION, USER, NOW)).then_nothing()


def begun() -> Deciding:
    start = StartJob(JOB, 1, 1, UUID(int=51), CONNECTION, NOW, timedelta(seconds=60))
    return deciding(job.decider).given(JobQueued(**OF_JOB)).when(start).then_types(JobStarted)


def hold(*, called: bool = True, turn: int = 1) -> HoldJob:
    return HoldJob(JOB, turn, CONNECTION, "disconnected", "Connect X again.", called)


HELD = JobHeld(**OF_JOB, connection_id=CONNECTION, error_class="disconnected", reason="Connect X again.")


def test_a_job_waits_for_its_connection_and_goes_on() -> None:
    begun().when(hold()).then(HELD)
    waiting = begun().given(HELD)
    waiting.when(hold()).then_nothing()
    waiting.when(ReleaseJob(JOB, OTHER)).then_nothing()
    released = waiting.when(ReleaseJob(JOB, CONNECTION)).then_types(JobReleased)
    assert released.state.turn == 2
    released.when(ReleaseJob(JOB, CONNECTION)).then_nothing()
    released.when(hold()).then_nothing()  # what the turn before found out comes too late


def test_a_job_that_waits_can_be_sent_through_another_connection() -> None:
    retry = RetryJob(JOB, USER, UUID(int=41), OTHER)
    begun().given(HELD).when(retry).then(JobRetried(**OF_JOB, turn=2, connection_id=OTHER))
    deciding(job.decider).given(JobQueued(**OF_JOB)).when(retry).then_nothing()


def test_a_job_whose_last_attempt_nobody_knows_the_end_of_waits_and_looks_first_afterwards() -> None:
    held = begun().when(hold(called=False)).then_types(JobHeld)
    assert held.state.doubt
    assert not begun().given(HELD).state.doubt


def state(**more: Any) -> State:
    return State(
        **{
            "connection_id": CONNECTION,
            "user_id": USER,
            "platform": "linkedin",
            "verifier": new_verifier(),
            "is_default": False,
            "again_id": OTHER,
            "expires_at": LATER,
            **more,
        }
    )


@pytest.mark.parametrize("again_id", [None, OTHER])
def test_a_state_comes_back_as_it_went_and_fits_into_what_x_takes(again_id: UUID | None) -> None:
    cipher = FieldCipher([generate_key()])
    sealed = seal(went := state(again_id=again_id), cipher)
    assert unseal(sealed, USER, NOW, cipher) == went
    assert len(sealed) <= 500
    assert went.verifier not in sealed


def test_a_state_is_refused_to_others_and_when_it_is_over_or_altered() -> None:
    cipher = FieldCipher([generate_key()])
    sealed = seal(state(), cipher)
    with pytest.raises(Forbidden, match="Somebody else"):
        unseal(sealed, OTHER, NOW, cipher)
    with pytest.raises(Invalid, match="took too long"):
        unseal(sealed, USER, LATER, cipher)
    for forged in (sealed[:-2], "", "é", cipher.encrypt(b"a token").decode()):
        with pytest.raises(Invalid, match="not issued here"):
            unseal(forged, USER, NOW, cipher)
