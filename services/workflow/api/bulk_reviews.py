"""Many decisions in one request, each by itself: what can be decided is, and each item says what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator

from services.workflow.api.decisions import check_images, publication_of
from services.workflow.domain import commands as ask
from services.workflow.domain.state import Workflow
from services.workflow.schemas import In, PlatformName, PublishIn, Text
from services.workflow.tools import Tools
from shared.http.errors import to_problem
from shared.http.problem import ProblemDetails
from shared.http.user import CurrentUser
from shared.ids import new_id
from shared.kit import kit_of
from shared.roles import may
from shared.security.tokens import Claims

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/reviews", tags=["workflows"])


class BulkDecisionIn(In):
    """A decision on one draft of the review queue."""

    workflow_id: UUID
    platform: PlatformName
    draft_id: UUID = Field(description="The draft you read; an older one is refused with 409.")
    action: Literal["accept", "reject"]
    feedback: Annotated[Text, Field(max_length=5000)] | None = Field(None, description="With reject: what to change.")
    regenerate: bool = Field(False, description="With reject: ask for another draft.")
    publish: PublishIn | None = Field(None, description="With accept, by the owner: publish it, too.")

    @model_validator(mode="after")
    def consistent(self) -> BulkDecisionIn:
        if self.regenerate and self.action != "reject":
            raise ValueError("`regenerate` goes with reject only.")
        if self.publish is not None and self.action != "accept":
            raise ValueError("`publish` goes with accept only.")
        return self


class BulkReviewIn(In):
    """At most 100 decisions, each on another draft."""

    items: Annotated[list[BulkDecisionIn], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def one_each(self) -> BulkReviewIn:
        if len({(item.workflow_id, item.platform) for item in self.items}) != len(self.items):
            raise ValueError("Decide on each platform of a workflow once.")
        return self


class PlatformNow(BaseModel):
    """Where the platform stands after the decision."""

    status: str
    iteration: int
    active_draft_id: UUID | None
    job_id: UUID | None


class BulkResult(BaseModel):
    """What became of one item: `state` when the decision took effect, else the `problem` it alone met."""

    workflow_id: UUID
    platform: str
    draft_id: UUID
    ok: bool
    status: int = Field(description="As of a request of its own: 200, 404, 409 …")
    state: PlatformNow | None = None
    problem: ProblemDetails | None = None


class BulkResults(BaseModel):
    """In the order of the items."""

    done: int
    refused: int
    items: list[BulkResult]


@router.post("/bulk")
async def bulk_review(body: BulkReviewIn, request: Request, user: CurrentUser) -> BulkResults:
    """Accept or reject many drafts: your own, and from the role of a reviewer on anybody's that await review.

    Each item is decided by itself; one that is refused holds up no other. Always 200 when the list could be read.
    """
    now = datetime.now(UTC)
    of_workflow: dict[UUID, list[int]] = defaultdict(list)
    for place, item in enumerate(body.items):
        of_workflow[item.workflow_id].append(place)

    async def decide(places: list[int]) -> list[tuple[int, BulkResult]]:
        # One after the other: decisions on one workflow would only get into each other's way.
        return [(place, await _decide(body.items[place], request, user, now)) for place in places]

    decided = await asyncio.gather(*map(decide, of_workflow.values()))
    results = [result for _, result in sorted((each for some in decided for each in some), key=lambda each: each[0])]
    done = sum(result.ok for result in results)
    return BulkResults(done=done, refused=len(results) - done, items=results)


async def _decide(item: BulkDecisionIn, request: Request, user: Claims, now: datetime) -> BulkResult:
    kit = kit_of(request)
    named: dict[str, Any] = {"workflow_id": item.workflow_id, "platform": item.platform, "draft_id": item.draft_id}
    try:
        if item.publish is not None and item.publish.media:
            tools: Tools = kit.tools
            await check_images(tools.sources, {item.platform: item.publish}, request.headers["authorization"])
        decision = ask.Decision(
            platform=item.platform,
            action=item.action,
            draft_id=item.draft_id,
            feedback=item.feedback,
            regenerate=item.regenerate,
            publication=None if item.publish is None else publication_of(item.platform, item.publish, new_id(), now),
        )
        all_of_them = may(user.role, "reviewer")
        command = ask.Review(item.workflow_id, user.user_id, (decision,), may_review_all=all_of_them)
        workflow: Workflow = await kit.handle(command, actor=user.user_id)
    except Exception as error:  # whatever it is, the other items have been decided and must be told of
        problem = to_problem(error, request.scope)
        if problem.status >= 500:
            logger.exception("a decision of a bulk review failed")
        return BulkResult(**named, ok=False, status=problem.status, problem=problem.details(request.scope))
    after = workflow.platforms[item.platform]
    state = PlatformNow(
        status=after.status, iteration=after.iteration, active_draft_id=after.draft_id, job_id=after.job_id
    )
    return BulkResult(**named, ok=True, status=200, state=state)
