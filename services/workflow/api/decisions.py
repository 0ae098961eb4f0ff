"""What people send as decisions, as commands."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.workflow.domain import commands as ask
from services.workflow.schemas import DecisionIn, PublishIn
from shared.decider import Invalid
from shared.ids import new_id
from shared.local_time import moment
from shared.platforms import limit, measure


def decision_of(decision: DecisionIn, now: datetime) -> ask.Decision:
    """Raises Invalid for a text its platform would refuse, and for a time that is over or unclear."""
    publication = None
    if decision.publish is not None or decision.action == "edit_and_publish":
        publication = publication_of(decision.publish or PublishIn(), new_id(), now)
    if decision.action == "edit_and_publish" and decision.content is not None:
        _check_length(decision.platform, decision.content)
    return ask.Decision(
        platform=decision.platform,
        action=decision.action,
        draft_id=decision.draft_id,
        feedback=decision.feedback,
        regenerate=decision.regenerate,
        content=decision.content,
        human_draft_id=new_id() if decision.content is not None else None,
        publication=publication,
    )


def _check_length(platform: str, content: str) -> None:
    """A text that its platform would refuse is refused while its writer still looks at it (X makes threads instead)."""
    most = limit(platform)
    if most is not None and platform != "x" and (length := measure(platform, content)) > most:
        raise Invalid(
            f"The text has {length} characters; {platform} takes at most {most}. Shorten it and send it again."
        )


def publication_of(how: PublishIn, job_id: UUID, now: datetime) -> ask.Publication:
    """Raises Invalid for a time that is over or unclear."""
    if how.scheduled_for is None:
        if how.time_zone is not None:
            raise Invalid("`time_zone` says nothing without `scheduled_for`; send both or neither.")
        return ask.Publication(job_id, connection_id=how.connection_id)
    scheduled_for, time_zone = moment(how.scheduled_for, how.time_zone, now)
    return ask.Publication(job_id, scheduled_for, time_zone, how.connection_id)
