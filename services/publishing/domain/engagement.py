"""How a published post is doing: looked at soon after it went out and ever more seldom, until it is old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.envelope import Event
from contracts.events.publishing import EngagementMeasured, EngagementWithheld, JobPublished
from services.publishing.domain.commands import Figures, RecordEngagement, RecordWithheld

FIRST: Final = timedelta(minutes=15)  # after the post went out
SELDOM: Final = timedelta(days=7)  # the longest between two looks


@dataclass(frozen=True, slots=True)
class Standing:
    """A post that is out, and what was heard of it last."""

    platform_post_id: str
    url: str
    duplicate_of: str | None = None
    figures: Figures | None = None
    withheld: str | None = None


def next_look(published_at: datetime, now: datetime, lasts: timedelta) -> datetime | None:
    """When to look again: after half the post's age, and not more than `lasts` after it went out (None: never)."""
    at = now + min(SELDOM, max(FIRST, (now - published_at) / 2))
    return at if at <= published_at + lasts else None


def decide(command: Any, common: dict[str, Any], standing: Standing | None) -> Sequence[Event]:
    """What is known already is no event."""
    if standing is None:
        return []
    common |= {
        "platform_post_id": standing.platform_post_id,
        "url": standing.url,
        "duplicate_of": standing.duplicate_of,
    }
    match command:
        case RecordEngagement() if command.figures != standing.figures or standing.withheld is not None:
            return [EngagementMeasured(**common, **asdict(command.figures), measured_at=command.measured_at)]
        case RecordWithheld() if command.reason != standing.withheld:
            return [EngagementWithheld(**common, reason=command.reason)]
        case _:
            return []


def evolve(standing: Standing | None, event: Event) -> Standing | None:
    match event:
        case JobPublished():
            return Standing(event.platform_post_id, event.url, event.duplicate_of)
        case EngagementMeasured() if standing is not None:
            figures = Figures(event.likes, event.comments, event.shares, event.quotes, event.views)
            return replace(standing, figures=figures, withheld=None)
        case EngagementWithheld() if standing is not None:
            return replace(standing, withheld=event.reason)
        case _:
            return standing
