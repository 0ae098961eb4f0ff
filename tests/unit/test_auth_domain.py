"""What accounts and sessions allow, what a refresh token proves, and which keys sign."""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from hypothesis import given as for_all
from hypothesis import strategies as st

from contracts.events.auth import (
    ActivePlatformSelected,
    EmailVerified,
    ProfileUpdated,
    SessionRefreshed,
    SessionRemoved,
    SessionRevoked,
    SessionStarted,
    TrialClaimed,
    TrialStarted,
    UserActivated,
    UserDeactivated,
    UserErased,
    UserLoggedIn,
    UserRegistered,
    UserRoleChanged,
    VerificationRequested,
)
from services.auth.domain import session, user
from services.auth.domain.session import (
    LeavePlatform,
    OpenSession,
    RefreshRefused,
    RefreshSession,
    RemoveSession,
    RevokeSession,
    SelectPlatform,
    StartSession,
    make_room,
)
from services.auth.domain.trial import ClaimTrial, EndTrial, StartTrial, Verification
from services.auth.domain.user import (
    Activate,
    ChangeRole,
    Deactivate,
    EraseUser,
    LoggedInMeanwhile,
    LogIn,
    RegisterUser,
    RequestVerification,
    UpdateProfile,
    VerificationRefused,
    VerifyEmail,
)
from services.auth.refresh_tokens import RefreshTokens, hash_of
from services.auth.signing_keys import read_signer
from services.auth.verification_tokens import VerificationTokens
from shared.decider import Conflict, Forbidden, NotFound
from shared.security.tokens import Signer, generate_private_pem
from tests.deciding import deciding

USER, OTHER, SESSION = (UUID(int=n) for n in range(1, 4))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)

account = deciding(user.decider)
visit = deciding(session.decider)

registered = UserRegistered(user_id=USER, username="ada", name="Ada", email="ada@example.org", hashed_password="$2b$")
started = SessionStarted(
    session_id=SESSION,
    user_id=USER,
    number=1,
    refresh_token_hash="first",
    expires_at=NOW + WEEK,
    device_info={},
)
revoked = SessionRevoked(session_id=SESSION, user_id=USER, reason="logged_out")


def refreshed(token_hash: str) -> SessionRefreshed:
    return SessionRefreshed(
        session_id=SESSION, user_id=USER, refresh_token_hash=token_hash, expires_at=NOW + timedelta(days=1) + WEEK
    )


def refresh(presented: str, *, genuine: bool = True, now: datetime = NOW + timedelta(days=1)) -> RefreshSession:
    return RefreshSession(SESSION, presented, genuine, "next", now, now + WEEK)


class TestAccounts:
    def test_an_account_is_made_once(self) -> None:
        command = RegisterUser(USER, "ada", "ada@example.org", "$2b$", "Ada")
        account.when(command).then(registered)
        account.given(registered).when(command).then_nothing()

    def test_who_somebody_is_is_kept_from_the_bus_and_from_what_is_printed(self) -> None:
        profile = ProfileUpdated(user_id=USER, name="Ada", tone_of_voice="warm", preferences={"language": "ko"})
        for event in (registered, profile):
            for shown in (event.public_json().decode(), repr(event)):
                for private in ("ada@example.org", "$2b$", "Ada", "warm", "ko"):
                    assert private not in shown
        assert "ada@example.org" not in repr(RegisterUser(USER, "ada", "ada@example.org", "$2b$"))

    def test_a_change_keeps_what_it_does_not_mention(self) -> None:
        account.given(registered).when(UpdateProfile(USER, tone_of_voice="warm")).then(
            ProfileUpdated(user_id=USER, name="Ada", tone_of_voice="warm", preferences={})
        )

    def test_null_empties_what_is_mentioned(self) -> None:
        before = ProfileUpdated(user_id=USER, name="Ada", tone_of_voice="warm", preferences={"language": "ko"})
        account.given(registered, before).when(UpdateProfile(USER, name=None)).then(
            ProfileUpdated(user_id=USER, name=None, tone_of_voice="warm", preferences={"language": "ko"})
        )

    def test_the_same_profile_again_changes_nothing(self) -> None:
        before = ProfileUpdated(user_id=USER, name="Ada", preferences={"language": "ko"})
        account.given(registered, before).when(UpdateProfile(USER, preferences={"language": "ko"})).then_nothing()

    def test_nobody_has_no_profile(self) -> None:
        account.when(UpdateProfile(USER, name="Eve")).then_refused(NotFound, "sign up")

    def test_an_account_is_erased_once_and_not_made_again(self) -> None:
        account.given(registered).when(EraseUser(USER, 0)).then(UserErased(user_id=USER))
        gone = account.given(registered, UserErased(user_id=USER))
        gone.when(EraseUser(USER, 0)).then_nothing()
        gone.when(RegisterUser(USER, "ada", "ada@example.org", "$2b$")).then_nothing()
        gone.when(UpdateProfile(USER, name="Ada")).then_refused(NotFound, "no such account")

    def test_what_never_was_cannot_be_erased(self) -> None:
        account.when(EraseUser(USER, 0)).then_refused(NotFound, "no such account")


def asked(number: int, at: datetime = NOW) -> Verification:
    """The n-th token that goes to the address."""
    return Verification(UUID(int=200 + number), f"hash-{number}", at, at + timedelta(hours=48))


def sent(number: int, at: datetime = NOW) -> VerificationRequested:
    found = asked(number, at)
    return VerificationRequested(
        user_id=USER,
        verification_id=found.verification_id,
        requested_at=at,
        expires_at=found.expires_at,
        token_hash=found.token_hash,
    )


class TestVerification:
    verified = EmailVerified(user_id=USER)
    later = NOW + timedelta(minutes=1)

    def test_a_new_account_is_asked_at_once(self) -> None:
        command = RegisterUser(USER, "ada", "ada@example.org", "$2b$", "Ada", asked(1))
        account.when(command).then(registered, sent(1))

    def test_the_token_makes_the_address_verified_once(self) -> None:
        history = account.given(registered, sent(1))
        history.when(VerifyEmail(USER, "hash-1", self.later)).then(self.verified)
        history.given(self.verified).when(VerifyEmail(USER, "hash-1", self.later)).then_nothing()

    def test_another_token_replaces_the_one_before(self) -> None:
        history = account.given(registered, sent(1))
        history.when(RequestVerification(USER, asked(2, self.later))).then(sent(2, self.later))
        both = history.given(sent(2, self.later))
        both.when(VerifyEmail(USER, "hash-1", self.later)).then_refused(VerificationRefused, "not the last one")
        both.when(VerifyEmail(USER, "hash-2", self.later)).then(self.verified)

    def test_the_same_request_again_sends_nothing(self) -> None:
        account.given(registered, sent(1)).when(RequestVerification(USER, asked(1, self.later))).then_nothing()

    def test_mails_keep_their_distance(self) -> None:
        soon = RequestVerification(USER, asked(2, NOW + timedelta(seconds=59)))
        account.given(registered, sent(1)).when(soon).then_refused(Conflict, "in a minute", current="sent")

    def test_who_is_verified_need_not_ask(self) -> None:
        history = account.given(registered, sent(1), self.verified)
        history.when(RequestVerification(USER, asked(2, self.later))).then_refused(Conflict, current="verified")

    def test_an_old_or_a_made_up_token_proves_nothing(self) -> None:
        history = account.given(registered, sent(1))
        old = VerifyEmail(USER, "hash-1", NOW + timedelta(hours=48))
        history.when(old).then_refused(VerificationRefused, "too old; ask for a new one")
        history.when(VerifyEmail(USER, "", NOW)).then_refused(VerificationRefused)
        account.given(registered).when(VerifyEmail(USER, "", NOW)).then_refused(VerificationRefused)

    def test_nothing_of_the_token_travels(self) -> None:
        assert "hash-1" not in sent(1).public_json().decode()
        assert "hash-1" not in repr(sent(1)) + repr(asked(1)) + repr(VerifyEmail(USER, "hash-1", NOW))


class TestTrials:
    started = TrialStarted(user_id=USER, username="trial-1", expires_at=NOW + WEEK)
    claimed = TrialClaimed(user_id=USER, username="ada", name="Ada", email="ada@example.org", hashed_password="$2b$")
    trial = account.given(started)

    def claim(self, number: int = 1, now: datetime = NOW) -> ClaimTrial:
        return ClaimTrial(USER, "ada", "ada@example.org", "$2b$", asked(number), now, "Ada")

    def test_a_trial_begins_once(self) -> None:
        command = StartTrial(USER, "trial-1", NOW + WEEK)
        account.when(command).then(self.started)
        self.trial.when(command).then_nothing()

    def test_it_becomes_an_account_whose_address_is_asked_about(self) -> None:
        self.trial.when(self.claim()).then(self.claimed, sent(1))
        done = self.trial.given(self.claimed, sent(1))
        done.when(VerifyEmail(USER, "hash-1", NOW)).then(EmailVerified(user_id=USER))
        done.when(ChangeRole(USER, "reviewer")).then_types(UserRoleChanged)

    def test_a_claim_made_again_changes_nothing_and_a_second_one_is_refused(self) -> None:
        done = self.trial.given(self.claimed, sent(1))
        done.when(self.claim()).then_nothing()
        done.when(self.claim(2)).then_refused(Conflict, "log in to it", current="claimed")

    def test_an_account_cannot_be_claimed(self) -> None:
        account.given(registered).when(self.claim()).then_refused(Conflict, "an account already")
        account.when(self.claim()).then_refused(NotFound)

    def test_it_is_too_late_when_the_trial_is_over(self) -> None:
        self.trial.when(self.claim(now=NOW + WEEK)).then_refused(Forbidden, "sign up without its token")

    def test_it_ends_in_time_with_all_that_it_made(self) -> None:
        self.trial.when(EndTrial(USER, 0, NOW + WEEK - timedelta(seconds=1))).then_nothing()
        self.trial.when(EndTrial(USER, 0, NOW + WEEK)).then(UserErased(user_id=USER))
        self.trial.given(UserErased(user_id=USER)).when(EndTrial(USER, 0, NOW + WEEK)).then_nothing()

    def test_who_overlooked_a_session_looks_again_before_it_ends(self) -> None:
        log_in = UserLoggedIn(user_id=USER, session_id=SESSION, number=1)
        self.trial.given(log_in).when(EndTrial(USER, 0, NOW + WEEK)).then_refused(LoggedInMeanwhile)

    def test_a_claimed_one_never_ends(self) -> None:
        done = self.trial.given(self.claimed, sent(1))
        done.when(EndTrial(USER, 0, NOW + WEEK)).then_refused(Conflict, current="claimed")

    def test_it_has_no_role_and_no_address(self) -> None:
        self.trial.when(ChangeRole(USER, "admin")).then_refused(Conflict, "sign up first", current="trial")
        self.trial.when(RequestVerification(USER, asked(1))).then_refused(Conflict, "no address", current="trial")

    def test_nothing_of_the_claim_travels(self) -> None:
        shown = self.claimed.public_json().decode() + repr(self.claimed) + repr(self.claim())
        assert not any(secret in shown for secret in ("ada@example.org", "$2b$"))


logged_in = UserLoggedIn(user_id=USER, session_id=SESSION, number=1)
changed = UserRoleChanged(user_id=USER, role="reviewer")
deactivated = UserDeactivated(user_id=USER)


class TestLoggingIn:
    def test_each_log_in_is_counted_once(self) -> None:
        account.given(registered).when(LogIn(USER, SESSION, 1)).then(logged_in)
        account.given(registered, logged_in).when(LogIn(USER, SESSION, 1)).then_nothing()
        account.given(registered, logged_in).when(LogIn(USER, OTHER, 2)).then(
            UserLoggedIn(user_id=USER, session_id=OTHER, number=2)
        )

    @pytest.mark.parametrize("command", [LogIn(USER, OTHER, 1), EraseUser(USER, 0)])
    def test_who_overlooked_a_log_in_looks_again(self, command: Any) -> None:
        account.given(registered, logged_in).when(command).then_refused(LoggedInMeanwhile, "try again")

    def test_who_was_shut_out_stays_out_until_let_in(self) -> None:
        out = account.given(registered, deactivated)
        out.when(LogIn(USER, SESSION, 1)).then_refused(Forbidden, "ask an administrator")
        out.given(UserActivated(user_id=USER)).when(LogIn(USER, SESSION, 1)).then(logged_in)

    @pytest.mark.parametrize("history", [[], [registered, UserErased(user_id=USER)]], ids=["none", "erased"])
    def test_without_an_account_there_is_nothing_to_log_in_to(self, history: list[Any]) -> None:
        for command in (LogIn(USER, SESSION, 1), ChangeRole(USER, "admin"), Deactivate(USER), Activate(USER)):
            account.given(*history).when(command).then_refused(NotFound, "no such account")


class TestAdministration:
    def test_a_role_is_given_once(self) -> None:
        account.given(registered).when(ChangeRole(USER, "reviewer")).then(changed)
        account.given(registered, changed).when(ChangeRole(USER, "reviewer")).then_nothing()
        account.given(registered, changed).when(ChangeRole(USER, "viewer")).then_types(UserRoleChanged)

    def test_an_account_is_shut_and_opened_once(self) -> None:
        account.given(registered).when(Deactivate(USER)).then(deactivated)
        account.given(registered, deactivated).when(Deactivate(USER)).then_nothing()
        account.given(registered).when(Activate(USER)).then_nothing()
        account.given(registered, deactivated).when(Activate(USER)).then(UserActivated(user_id=USER))


class TestSessions:
    def test_a_session_is_started_once(self) -> None:
        command = StartSession(SESSION, USER, 1, "first", NOW + WEEK)
        visit.when(command).then(started)
        visit.given(started).when(command).then_nothing()

    def test_what_tells_a_device_and_its_token_stays_at_home(self) -> None:
        event = started.model_copy(update={"user_agent": "Firefox", "ip_address": "203.0.113.7"})
        public = event.public_json().decode()
        assert not any(value in public for value in ("Firefox", "203.0.113.7", "first", "number"))

    def test_the_current_token_is_replaced(self) -> None:
        visit.given(started).when(refresh("first")).then(refreshed("next"))
        visit.given(started, refreshed("second")).when(refresh("second")).then(refreshed("next"))

    def test_a_token_that_comes_back_ends_the_session(self) -> None:
        history = visit.given(started, refreshed("second"))
        history.when(refresh("first")).then(SessionRevoked(session_id=SESSION, user_id=USER, reason="token_reused"))

    def test_after_a_theft_the_thief_is_out_too(self) -> None:
        robbed = visit.given(started, refreshed("second")).when(refresh("first")).then_types(SessionRevoked)
        for token in ("first", "second"):
            robbed.when(refresh(token)).then_refused(RefreshRefused, "log in again")

    def test_a_made_up_token_ends_nothing(self) -> None:
        visit.given(started).when(refresh("guess", genuine=False)).then_refused(RefreshRefused, "log in again")

    def test_a_token_written_under_a_key_that_was_dropped_still_works(self) -> None:
        visit.given(started).when(refresh("first", genuine=False)).then(refreshed("next"))

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
    def test_an_expired_session_cannot_be_renewed(self, late: timedelta) -> None:
        visit.given(started).when(refresh("first", now=NOW + WEEK + late)).then_refused(RefreshRefused)

    def test_a_session_that_never_was_cannot_be_renewed(self) -> None:
        visit.when(refresh("first")).then_refused(RefreshRefused)

    def test_a_session_is_ended_once(self) -> None:
        command = RevokeSession(SESSION, USER, "logged_out")
        visit.given(started).when(command).then(revoked)
        visit.given(started, revoked).when(command).then_nothing()

    @pytest.mark.parametrize("history", [[], [started], [started, revoked]], ids=["none", "open", "over"])
    def test_a_foreign_session_does_not_exist(self, history: list[Any]) -> None:
        visit.given(*history).when(RevokeSession(SESSION, OTHER, "revoked")).then_refused(NotFound, "no such session")


class TestForgettingSessions:
    removed = SessionRemoved(session_id=SESSION, user_id=USER)

    @pytest.mark.parametrize(("history", "now"), [([revoked], NOW), ([], NOW + WEEK)], ids=["ended", "expired"])
    def test_a_session_that_is_over_is_forgotten_once(self, history: list[Any], now: datetime) -> None:
        visit.given(started, *history).when(RemoveSession(SESSION, now)).then(self.removed)
        visit.given(started, *history, self.removed).when(RemoveSession(SESSION, now)).then_nothing()

    def test_one_in_use_is_kept_until_its_user_is_gone(self) -> None:
        visit.given(started).when(RemoveSession(SESSION, NOW)).then_refused(Conflict, "in use", current="open")
        visit.given(started).when(RemoveSession(SESSION, NOW, erased=True)).then(self.removed)

    def test_a_forgotten_session_opens_nothing(self) -> None:
        gone = visit.given(started, self.removed)
        gone.when(refresh("first")).then_refused(RefreshRefused, "log in again")
        gone.when(RevokeSession(SESSION, USER, "logged_out")).then_nothing()

    def test_a_session_that_never_was_is_forgotten_already(self) -> None:
        visit.when(RemoveSession(SESSION, NOW)).then_nothing()


class TestPlatforms:
    first, second = UUID(int=301), UUID(int=302)

    def selected(self, connection_id: UUID | None) -> ActivePlatformSelected:
        return ActivePlatformSelected(session_id=SESSION, user_id=USER, connection_id=connection_id)

    def test_a_session_works_with_one_connection_or_with_none(self) -> None:
        history = visit.given(started)
        history.when(SelectPlatform(SESSION, USER, None)).then_nothing()
        history.when(SelectPlatform(SESSION, USER, self.first)).then(self.selected(self.first))
        history = history.given(self.selected(self.first))
        history.when(SelectPlatform(SESSION, USER, self.first)).then_nothing()
        history.when(SelectPlatform(SESSION, USER, self.second)).then(self.selected(self.second))
        history.when(SelectPlatform(SESSION, USER, None)).then(self.selected(None))

    def test_only_an_open_session_of_ones_own(self) -> None:
        foreign = SelectPlatform(SESSION, OTHER, self.first)
        visit.given(started).when(foreign).then_refused(NotFound, "no such session")
        visit.when(SelectPlatform(SESSION, USER, self.first)).then_refused(NotFound)
        over = visit.given(started, revoked).when(SelectPlatform(SESSION, USER, self.first))
        over.then_refused(Conflict, "log in again", current="revoked")

    @pytest.mark.parametrize("successor", [None, second])
    def test_a_connection_that_is_gone_is_left(self, successor: UUID | None) -> None:
        leave = LeavePlatform(SESSION, self.first, successor)
        visit.given(started, self.selected(self.first)).when(leave).then(self.selected(successor))
        visit.given(started, self.selected(self.second)).when(leave).then_nothing()
        visit.given(started).when(leave).then_nothing()
        visit.when(leave).then_nothing()


def opened(*ages: int, expired: Collection[int] = ()) -> list[OpenSession]:
    """Sessions of these ages in minutes; their ids are 100 + age."""
    return [
        OpenSession(UUID(int=100 + age), NOW - timedelta(minutes=age), NOW + (-WEEK if age in expired else WEEK))
        for age in ages
    ]


def leaving(sessions: list[OpenSession], limit: int) -> list[tuple[int, str]]:
    """Age and reason of those who must go."""
    gone = make_room(USER, sessions, limit=limit, now=NOW)
    assert all(each.user_id == USER for each in gone)
    return [(each.session_id.int - 100, each.reason) for each in gone]


class TestRoom:
    def test_below_the_limit_nobody_leaves(self) -> None:
        assert leaving(opened(1, 2, 3, 4), limit=5) == []

    def test_at_the_limit_the_oldest_leaves(self) -> None:
        assert leaving(opened(2, 5, 1, 4, 3), limit=5) == [(5, "pushed_out")]

    def test_an_expired_one_leaves_instead_of_the_oldest(self) -> None:
        assert leaving(opened(1, 2, 3, 4, 5, expired=[3]), limit=5) == [(3, "expired")]

    def test_a_limit_that_was_lowered_is_reached_at_the_next_log_in(self) -> None:
        assert leaving(opened(1, 2, 3, 4, 5), limit=2) == [(age, "pushed_out") for age in (5, 4, 3, 2)]

    @for_all(
        ages=st.lists(st.integers(1, 12), unique=True), expired=st.sets(st.integers(1, 12)), limit=st.integers(1, 8)
    )
    def test_afterwards_there_is_room_for_one_and_only_the_youngest_stay(
        self, ages: list[int], expired: set[int], limit: int
    ) -> None:
        gone = {age for age, _ in leaving(opened(*ages, expired=expired), limit)}
        alive = sorted(set(ages) - expired)
        assert set(ages) - gone == set(alive[: limit - 1])


class TestRefreshTokens:
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())

    def test_a_token_names_its_session_and_is_never_the_same_twice(self) -> None:
        tokens = RefreshTokens(self.keys)
        first, second = tokens.issue(SESSION), tokens.issue(SESSION)
        presented = tokens.read(first)
        assert presented is not None
        assert (presented.session_id, presented.genuine, presented.hash) == (SESSION, True, hash_of(first))
        assert first != second
        random = {base64.urlsafe_b64decode(token + "==")[16:48] for token in (first, second)}
        assert len(random) == 2

    def test_a_seal_of_an_older_key_is_known_and_that_of_a_dropped_one_is_not(self) -> None:
        token = RefreshTokens(self.keys[1:]).issue(SESSION)
        for keys, genuine in ((self.keys, True), (self.keys[:1], False)):
            presented = RefreshTokens(keys).read(token)
            assert presented is not None
            assert presented.genuine is genuine

    def test_every_byte_counts(self) -> None:
        tokens = RefreshTokens(self.keys)
        packed = base64.urlsafe_b64decode(tokens.issue(SESSION) + "==")
        for at in range(len(packed)):
            forged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
            presented = tokens.read(base64.urlsafe_b64encode(forged).rstrip(b"=").decode())
            assert presented is not None
            assert not presented.genuine

    @for_all(st.one_of(st.text(), st.text(alphabet="AZaz09-_+/=é", min_size=86, max_size=86)))
    def test_no_text_whatever_is_taken_for_one_of_ours(self, text: str) -> None:
        presented = RefreshTokens(self.keys).read(text)
        assert presented is None or not presented.genuine

    def test_a_key_is_needed(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            RefreshTokens([])

    def test_the_token_is_not_in_what_is_printed(self) -> None:
        tokens = RefreshTokens(self.keys)
        token = tokens.issue(SESSION)
        assert hash_of(token) not in repr(tokens.read(token))


class TestVerificationTokens:
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())

    def test_a_token_names_its_user_and_is_always_the_same(self) -> None:
        tokens = VerificationTokens(self.keys)
        assert tokens.issue(USER, SESSION) == tokens.issue(USER, SESSION)
        assert tokens.read(tokens.issue(USER, SESSION)) == USER
        assert len({tokens.issue(USER, SESSION), tokens.issue(USER, OTHER), tokens.issue(OTHER, SESSION)}) == 3

    def test_it_works_after_the_keys_were_rotated_until_its_key_is_dropped(self) -> None:
        token = VerificationTokens(self.keys[1:]).issue(USER, SESSION)
        rotated = VerificationTokens(self.keys)
        assert rotated.read(token) == USER
        assert token in rotated.possible(USER, SESSION)
        assert VerificationTokens(self.keys[:1]).read(token) is None

    def test_every_byte_counts(self) -> None:
        tokens = VerificationTokens(self.keys)
        packed = base64.urlsafe_b64decode(tokens.issue(USER, SESSION) + "==")
        for at in range(len(packed)):
            forged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
            assert tokens.read(base64.urlsafe_b64encode(forged).rstrip(b"=").decode()) is None

    @for_all(st.one_of(st.text(), st.text(alphabet="AZaz09-_+/=é", min_size=86, max_size=86)))
    def test_no_text_whatever_is_taken_for_one_of_ours(self, text: str) -> None:
        assert VerificationTokens(self.keys).read(text) is None

    def test_a_key_is_needed(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            VerificationTokens([])


class TestSigningKeys:
    def test_the_first_key_of_the_file_signs_and_all_are_published(self, tmp_path: Path) -> None:
        new, old = generate_private_pem(), generate_private_pem()
        (tmp_path / "keys.pem").write_bytes(b"# new\n" + new + b"\n# old\n" + old)
        signer = read_signer(tmp_path / "keys.pem")
        assert signer.jwks() == Signer(new, old).jwks()

    @pytest.mark.parametrize("content", [b"", b"none", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
    def test_a_file_without_a_private_key_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "keys.pem").write_bytes(content)
        with pytest.raises(ValueError, match="holds no private key"):
            read_signer(tmp_path / "keys.pem")

    def test_a_damaged_key_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "keys.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        with pytest.raises(ValueError, match="Ed25519"):
            read_signer(tmp_path / "keys.pem")

    def test_a_missing_file_or_setting_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="check path and permissions"):
            read_signer(tmp_path / "keys.pem")
        with pytest.raises(ValueError, match="PRESSWORK_SIGNING_KEY_FILE"):
            read_signer(None)
