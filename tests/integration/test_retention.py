"""Retention of what every service keeps, and of sessions: what is old goes, once a day, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from contracts.events import auth
from shared.eventstore.statements import OF_INTEREST_UNGATED
from shared.ids import new_id
from shared.kit import Kit
from shared.retention.daily import KIND, Daily, next_at
from shared.retention.run import Busy, Outcome, run
from tests.rebuilding import assert_rebuild_equals_live, rows_of
from tests.story import Ground, ground
from tests.waiting import eventually

NOW = datetime.now(UTC)
_KEY = "INSERT INTO idempotency_keys VALUES ('ada', '/x', $1, 'h', $2)"
_SUBSCRIBER = "INSERT INTO subscribers (subscriber, marks, reported_at) VALUES ($1, '{}', $2)"
_TASK = "INSERT INTO tasks (id, kind, due_at, leased_until, correlation_id) VALUES ($1, $2, $3, $4, $1)"


@pytest.fixture(scope="module")
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        yield found


@pytest.fixture
def kit(on: Ground) -> Kit:
    return on.kits["auth"]


@contextmanager
def told(kit: Kit, **settings: object) -> Iterator[None]:
    """The kit with other settings for a while."""
    before = kit.settings
    kit.settings = before.model_copy(update=settings)
    try:
        yield
    finally:
        kit.settings = before


def by_rule(outcomes: list[Outcome]) -> Mapping[str, Outcome]:
    return {outcome.rule.name: outcome for outcome in outcomes}


async def session(on: Ground, *, expires_at: datetime, revoked: bool) -> UUID:
    """A session of somebody's."""
    user_id, key = new_id(), new_id()
    await on.play(
        auth.UserRegistered(user_id=user_id, username=key.hex, email=f"{key}@example.com", hashed_password="x"),
        key=user_id,
    )
    started = auth.SessionStarted(
        session_id=key, user_id=user_id, expires_at=expires_at, refresh_token_hash=key.hex, number=1
    )
    await on.play(started, key=key)
    if revoked:
        await on.play(auth.SessionRevoked(session_id=key, user_id=user_id, reason="logged_out"), key=key)
    return key


async def sessions(kit: Kit) -> set[UUID]:
    return {row["id"] for row in await kit.database.pool.fetch("SELECT id FROM sessions")}


async def events(kit: Kit) -> list[str]:
    """The types of all events, in commit order."""
    return [row["type"] for row in await kit.database.pool.fetch(OF_INTEREST_UNGATED, "0", 0, [], 1_000_000)]


async def test_sessions_that_are_over_go_by_events_and_a_rebuild_does_not_bring_them_back(on: Ground, kit: Kit) -> None:
    later = NOW + timedelta(days=365)
    revoked, expired = (
        await session(on, expires_at=later, revoked=True),
        await session(on, expires_at=NOW, revoked=False),
    )
    open_one = await session(on, expires_at=later, revoked=False)

    dry = by_rule(await run(kit, dry=True, now=NOW + timedelta(days=8)))
    assert {revoked, expired, open_one} <= await sessions(kit)
    assert (dry["revoked_sessions"].found.count, dry["expired_sessions"].found.count) == (1, 1)
    assert dry["expired_sessions"].found.oldest == NOW

    early = by_rule(await run(kit, now=NOW + timedelta(days=6)))
    assert (early["revoked_sessions"].removed, early["expired_sessions"].removed) == (0, 1)
    done = by_rule(await run(kit, now=NOW + timedelta(days=8)))
    assert done["revoked_sessions"].removed == 1
    assert await sessions(kit) & {revoked, expired, open_one} == {open_one}
    assert (await events(kit)).count("SessionRemoved") == 2
    assert kit.metrics.registry.get_sample_value(
        "presswork_retention_removed_total", {"rule": "revoked_sessions"}
    ) == pytest.approx(1)
    await assert_rebuild_equals_live(kit, on.admin_dsn)


async def test_a_run_removes_at_most_so_many(on: Ground, kit: Kit) -> None:
    before = await sessions(kit)
    for _ in range(3):
        await session(on, expires_at=NOW, revoked=False)
    with told(kit, retention_most=2):
        outcome = by_rule(await run(kit, now=NOW + timedelta(days=1)))["expired_sessions"]
    assert (outcome.found.count, outcome.removed) == (3, 2)
    assert len(await sessions(kit) - before) == 1


async def test_bookkeeping_goes_when_nobody_can_ask_for_it_any_more(kit: Kit, tmp_path: Path) -> None:
    pool = kit.database.pool
    old, young = NOW - timedelta(days=31), NOW - timedelta(days=29)
    for name, at in (("old", old), ("young", young)):
        await pool.execute(_KEY, name, at)
        await pool.execute(_SUBSCRIBER, name, at)
    unknown, leased, known, recent = (new_id() for _ in range(4))
    await pool.execute(_TASK, unknown, "of old", old, None)
    await pool.execute(_TASK, leased, "of old", old, NOW + timedelta(days=1))
    await pool.execute(_TASK, known, KIND, old, None)
    await pool.execute(_TASK, recent, "of old", young, None)
    for name, age in (("auth.jsonl", 1), ("auth.jsonl.1", 15), ("workflow.jsonl.1", 15)):
        (tmp_path / name).write_text("{}\n")
        os.utime(tmp_path / name, ((NOW - timedelta(days=age)).timestamp(),) * 2)

    with told(kit, traces_dir=tmp_path):
        outcomes = by_rule(await run(kit, now=NOW))
    removed = {name: outcomes[name].removed for name in ("idempotency_keys", "gone_subscribers", "lost_tasks", "spans")}
    assert removed == {"idempotency_keys": 1, "gone_subscribers": 1, "lost_tasks": 1, "spans": 1}
    assert [row[0] for row in await pool.fetch("SELECT key FROM idempotency_keys")] == ["young"]
    assert [row[0] for row in await pool.fetch("SELECT subscriber FROM subscribers")] == ["young"]
    assert {row[0] for row in await pool.fetch("SELECT id FROM tasks")} == {leased, known, recent}
    assert set(os.listdir(tmp_path)) == {"auth.jsonl", "workflow.jsonl.1"}
    await pool.execute("DELETE FROM tasks")


async def test_a_rule_that_is_switched_off_does_nothing(on: Ground, kit: Kit) -> None:
    key = await session(on, expires_at=NOW, revoked=False)
    with told(kit, retention_off="spans, expired_sessions, of_another_service"):
        outcomes = by_rule(await run(kit, now=NOW + timedelta(days=1)))
    assert "expired_sessions" not in outcomes
    assert "revoked_sessions" in outcomes
    assert key in await sessions(kit)


async def test_a_rule_that_fails_stops_no_other(on: Ground, kit: Kit) -> None:
    key = await session(on, expires_at=NOW, revoked=False)
    await kit.database.pool.execute(_KEY, "again", NOW - timedelta(days=31))
    admin_says = "ALTER TABLE auth.sessions RENAME COLUMN expires_at TO ends_at"
    back = "ALTER TABLE auth.sessions RENAME COLUMN ends_at TO expires_at"
    await _as_admin(on, admin_says)
    try:
        outcomes = by_rule(await run(kit, now=NOW + timedelta(days=1)))
    finally:
        await _as_admin(on, back)
    assert "expires_at" in outcomes["expired_sessions"].stopped
    assert outcomes["idempotency_keys"].removed == 1
    assert key in await sessions(kit)


async def _as_admin(on: Ground, sql: str) -> None:
    connection = await asyncpg.connect(on.admin_dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_of_two_runs_at_once_one_is_refused(kit: Kit) -> None:
    together = await asyncio.gather(*(run(kit, dry=True) for _ in range(3)), return_exceptions=True)
    refused = [each for each in together if isinstance(each, Busy)]
    assert refused
    assert len(refused) < 3
    assert "Another run of auth's retention is under way" in str(refused[0])


async def test_the_next_run_is_on_the_list_once_and_is_done(on: Ground, kit: Kit) -> None:
    pool = kit.database.pool
    await asyncio.gather(*(Daily(kit).put() for _ in range(5)))
    rows = await pool.fetch("SELECT due_at FROM tasks WHERE kind = $1", KIND)
    assert [row["due_at"] for row in rows] == [next_at(datetime.now(UTC), kit.settings.retention_hour)]

    key = await session(on, expires_at=NOW - timedelta(days=1), revoked=False)
    await pool.execute("UPDATE tasks SET due_at = now() WHERE kind = $1", KIND)
    working = asyncio.create_task(kit.workers.run())
    try:

        async def is_done() -> bool:
            return not await pool.fetchval("SELECT count(*) FROM tasks WHERE kind = $1", KIND)

        await eventually(is_done)
    finally:
        working.cancel()
        await asyncio.wait([working])
    assert key not in await sessions(kit)
    before = await rows_of(on.admin_dsn, "auth")
    await assert_rebuild_equals_live(kit, on.admin_dsn)
    assert await rows_of(on.admin_dsn, "auth") == before


def test_the_next_run_is_at_the_next_such_hour() -> None:
    noon = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert next_at(noon, 13) == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert next_at(noon, 12) == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert next_at(datetime(2026, 2, 28, 3, tzinfo=UTC), 3) == datetime(2026, 3, 1, 3, tzinfo=UTC)
