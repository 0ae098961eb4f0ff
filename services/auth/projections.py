"""Rows of users, profiles and sessions, and which connections a session may work with.

Events of a user who is forgotten come without private fields; what stands in their place goes with the row, later.
"""

from __future__ import annotations

from datetime import datetime

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
from contracts.events.publishing import ConnectionAdded, ConnectionRemoved
from shared.eventstore.private_keys import forget
from shared.projection import RowChange, delete, insert, projects, update, upsert


@projects(UserRegistered)
def add_user(event: UserRegistered, at: datetime) -> list[RowChange]:
    return [
        insert(
            "users",
            id=event.user_id,
            username=event.username,
            email=event.email or f"{event.user_id}@erased.invalid",
            hashed_password=event.hashed_password or "",
            name=event.name,
            role=event.role,
            is_active=True,
            email_verified=False,
            metadata={},
            created_at=at,
            updated_at=at,
        ),
        insert(
            "profiles",
            user_id=event.user_id,
            name=event.name,
            preferences={},
            created_at=at,
            updated_at=at,
        ),
    ]


@projects(TrialStarted)
def add_trial(event: TrialStarted, at: datetime) -> list[RowChange]:
    return [
        insert(
            "users",
            id=event.user_id,
            username=event.username,
            email=f"{event.user_id}@trial.invalid",  # nobody's, and no password fits what stands for one
            hashed_password="",
            trial_expires_at=event.expires_at,
            role="viewer",
            is_active=True,
            email_verified=False,
            metadata={},
            created_at=at,
            updated_at=at,
        ),
        insert("profiles", user_id=event.user_id, preferences={}, created_at=at, updated_at=at),
    ]


@projects(TrialClaimed)
def claim_trial(event: TrialClaimed, at: datetime) -> list[RowChange]:
    return [
        update(
            "users",
            {"id": event.user_id},
            username=event.username,
            email=event.email or f"{event.user_id}@erased.invalid",
            hashed_password=event.hashed_password or "",
            name=event.name,
            trial_expires_at=None,
            updated_at=at,
        ),
        update("profiles", {"user_id": event.user_id}, name=event.name, updated_at=at),
    ]


@projects(ProfileUpdated)
def change_profile(event: ProfileUpdated, at: datetime) -> list[RowChange]:
    preferences = event.preferences or {}
    return [
        update(
            "users",
            {"id": event.user_id},
            name=event.name,
            metadata={"preferences": preferences},
            updated_at=at,
        ),
        update(
            "profiles",
            {"user_id": event.user_id},
            name=event.name,
            tone_of_voice=event.tone_of_voice,
            preferences=preferences,
            updated_at=at,
        ),
    ]


@projects(VerificationRequested)
def await_verification(event: VerificationRequested, at: datetime) -> RowChange:
    return update(
        "users",
        {"id": event.user_id},
        verification_token=event.token_hash,
        verification_token_expires=event.expires_at,
        updated_at=at,
    )


@projects(EmailVerified)
def verify(event: EmailVerified, at: datetime) -> RowChange:
    return update(
        "users",
        {"id": event.user_id},
        email_verified=True,
        verification_token=None,
        verification_token_expires=None,
        updated_at=at,
    )


@projects(UserLoggedIn)
def count_log_in(event: UserLoggedIn, at: datetime) -> RowChange:
    return update("users", {"id": event.user_id}, last_login=at, log_ins=event.number or 0)


@projects(UserRoleChanged)
def change_role(event: UserRoleChanged, at: datetime) -> RowChange:
    return update("users", {"id": event.user_id}, role=event.role, updated_at=at)


@projects(UserDeactivated, UserActivated)
def open_or_close(event: UserDeactivated | UserActivated, at: datetime) -> RowChange:
    return update("users", {"id": event.user_id}, is_active=isinstance(event, UserActivated), updated_at=at)


@projects(UserErased)
def remove_user(event: UserErased, at: datetime) -> list[RowChange]:
    return [
        delete("profiles", user_id=event.user_id),
        delete("users", id=event.user_id),
        forget(event.user_id),
    ]


@projects(SessionStarted)
def add_session(event: SessionStarted, at: datetime) -> RowChange:
    return insert(
        "sessions",
        id=event.session_id,
        user_id=event.user_id,
        refresh_token=event.refresh_token_hash or str(event.session_id),
        device_info=event.device_info or {},
        ip_address=event.ip_address,
        user_agent=event.user_agent,
        created_at=at,
        updated_at=at,
        last_used_at=at,
        expires_at=event.expires_at,
        revoked=False,
        number=event.number or 0,
        session_fingerprint=event.fingerprint,
    )


@projects(SessionRefreshed)
def go_on(event: SessionRefreshed, at: datetime) -> RowChange:
    return update(
        "sessions",
        {"id": event.session_id},
        refresh_token=event.refresh_token_hash or str(event.session_id),
        expires_at=event.expires_at,
        last_used_at=at,
        updated_at=at,
    )


@projects(SessionRevoked)
def end_session(event: SessionRevoked, at: datetime) -> RowChange:
    return update("sessions", {"id": event.session_id}, revoked=True, updated_at=at)


@projects(SessionRemoved)
def remove_session(event: SessionRemoved, at: datetime) -> RowChange:
    return delete("sessions", id=event.session_id)


@projects(ActivePlatformSelected)
def select_platform(event: ActivePlatformSelected, at: datetime) -> RowChange:
    return update(
        "sessions",
        {"id": event.session_id},
        active_platform_id=event.connection_id,
        last_used_at=at,
        updated_at=at,
    )


@projects(ConnectionAdded)
def know_connection(event: ConnectionAdded, at: datetime) -> RowChange:
    return upsert("known_connections", {"id": event.connection_id}, user_id=event.user_id, created_at=at)


@projects(ConnectionRemoved)
def forget_connection(event: ConnectionRemoved, at: datetime) -> RowChange:
    return delete("known_connections", id=event.connection_id)
