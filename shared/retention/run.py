"""A run of retention: every rule of a service in turn, one run at a time, each rule bounded."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.retention.rule import Found, Rule, Stopped

if TYPE_CHECKING:
    from shared.kit import Kit

logger = logging.getLogger(__name__)

_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtext('presswork.retention'), hashtext(current_schema()))"


class Busy(Exception):
    """Another run of the same service's retention is under way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a rule: what was found, how many went (none in a dry run), or why it stopped."""

    rule: Rule
    cutoff: datetime
    found: Found
    removed: int = 0
    stopped: str = ""


def chosen(rules: Sequence[Rule], off: str) -> list[Rule]:
    """The rules but those that `off` names, comma separated; other services' names in it are passed by."""
    unwanted = {name.strip() for name in off.split(",") if name.strip()}
    return [rule for rule in rules if rule.name not in unwanted]


async def run(kit: Kit, *, dry: bool = False, now: datetime | None = None) -> list[Outcome]:
    """Carry out the service's rules, or only look (`dry`). The kit's database is open.

    Raises Busy when another run is under way, and one of UNAVAILABLE.
    """
    now = now or datetime.now(UTC)
    outcomes = []
    async with _alone(kit):
        for rule in chosen(kit.service.retention, kit.settings.retention_off):
            outcome = await _carry_out(kit, rule, now - rule.kept(kit.settings), dry)
            outcomes.append(outcome)
            if not dry:
                _tell(kit, outcome)
    return outcomes


async def _carry_out(kit: Kit, rule: Rule, cutoff: datetime, dry: bool) -> Outcome:
    found = Found(0)
    try:
        found = await rule.act.find(kit, cutoff)
        if dry or not found.count:
            return Outcome(rule, cutoff, found)
        removed = await rule.act.remove(kit, cutoff, kit.settings.retention_most)
    except Stopped as stopped:
        return Outcome(rule, cutoff, found, stopped=str(stopped))
    except (asyncpg.LockNotAvailableError, *IN_THE_WAY):
        return Outcome(rule, cutoff, found, stopped="The tables were in use; the next run tries again.")
    except UNAVAILABLE:
        raise
    except Exception as error:  # the other rules have nothing to do with it
        logger.exception("the rule %s of retention failed", rule.name)
        return Outcome(rule, cutoff, found, stopped=f"{type(error).__name__}: {error}")
    return Outcome(rule, cutoff, Found(found.count, found.oldest, removed.note), removed.count)


def _tell(kit: Kit, outcome: Outcome) -> None:
    kit.metrics.retention_removed.labels(outcome.rule.name).inc(outcome.removed)
    if outcome.stopped:
        kit.metrics.retention_stopped.labels(outcome.rule.name).inc()
    said = outcome.stopped or outcome.found.note
    logger.log(
        logging.WARNING if outcome.stopped else logging.INFO,
        "retention %s: %d of %d older than %s went%s",
        outcome.rule.name,
        outcome.removed,
        outcome.found.count,
        outcome.cutoff.isoformat(timespec="minutes"),
        f" ({said})" if said else "",
    )


@asynccontextmanager
async def _alone(kit: Kit) -> AsyncIterator[None]:
    connection = await kit.database.connect()
    try:
        if not await connection.fetchval(_ONE_AT_A_TIME):
            raise Busy(f"Another run of {kit.service.name}'s retention is under way; wait until it is done.")
        yield
    finally:
        with suppress(*UNAVAILABLE):
            await connection.close(timeout=2)
