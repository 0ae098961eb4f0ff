"""Comments and approval links: who may do what with them, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.events.review import (
    ApprovalLinkCreated,
    ApprovalLinkErased,
    ApprovalLinkOpened,
    ApprovalLinkRevoked,
    ApprovalLinkUsed,
    CommentDeleted,
    CommentResolved,
    DraftCommented,
)
from services.workflow.domain import approval_link as links
from services.workflow.domain import comment as comments
from shared.decider import Forbidden, Invalid, NotFound
from tests.deciding import Deciding, deciding

NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
WORKFLOW, OTHER, OWNER, EVE, BOB = (UUID(int=n) for n in range(1, 6))
LINK, DRAFT, COMMENT = UUID(int=10), UUID(int=11), UUID(int=12)

CREATE = links.CreateApprovalLink(LINK, WORKFLOW, OWNER, ("x",), "Dana", LATER, NOW)
OPEN = links.OpenApprovalLink(LINK, WORKFLOW, NOW)
USE = links.UseApprovalLink(LINK, WORKFLOW, "accept", "x", DRAFT, NOW)
REVOKE = links.RevokeApprovalLink(LINK, WORKFLOW, OWNER)
ERASE = links.EraseApprovalLink(LINK, WORKFLOW)

ADD = comments.AddComment(COMMENT, WORKFLOW, OWNER, "x", DRAFT, "  Too long. ", "eve", author_id=EVE)
RESOLVE = comments.ResolveComment(COMMENT, WORKFLOW, OWNER, False)
DELETE = comments.DeleteComment(COMMENT, WORKFLOW, EVE, False)


def link() -> Deciding:
    return deciding(links.decider).given().when(CREATE).then_types(ApprovalLinkCreated)


def comment() -> Deciding:
    return deciding(comments.decider).given().when(ADD).then_types(DraftCommented)


def test_a_link_is_made_once_and_opened_once_but_each_use_counts() -> None:
    link().when(CREATE).then_nothing()
    opened = link().when(OPEN).then_types(ApprovalLinkOpened)
    opened.when(OPEN).then_nothing()
    opened.when(USE).then_types(ApprovalLinkUsed).when(USE).then_types(ApprovalLinkUsed)


def test_a_link_that_ends_before_it_begins_is_refused() -> None:
    deciding(links.decider).given().when(replace(CREATE, expires_at=NOW)).then_refused(Invalid, "later end")


@pytest.mark.parametrize("command", [replace(OPEN, now=LATER), replace(USE, now=LATER)])
def test_a_link_holds_until_it_expires(command: object) -> None:
    link().when(command).then_refused(Forbidden, "expired")
    link().when(replace(command, now=LATER - timedelta(microseconds=1))).then_types(  # type: ignore[type-var]
        ApprovalLinkOpened if isinstance(command, links.OpenApprovalLink) else ApprovalLinkUsed
    )


def test_a_link_that_was_withdrawn_opens_nothing() -> None:
    revoked = link().when(REVOKE).then_types(ApprovalLinkRevoked)
    revoked.when(REVOKE).then_nothing()
    revoked.when(USE).then_refused(Forbidden, "withdrawn")
    revoked.when(OPEN).then_refused(Forbidden, "withdrawn")


def test_a_link_does_what_it_is_for_and_no_more() -> None:
    link().when(replace(USE, platform="blog")).then_refused(Forbidden, "does not cover blog; it is for x")
    link().when(replace(USE, workflow_id=OTHER)).then_refused(NotFound)
    link().when(replace(REVOKE, user_id=EVE)).then_refused(NotFound)
    deciding(links.decider).given().when(USE).then_refused(NotFound)


def test_an_erased_link_is_no_link() -> None:
    deciding(links.decider).given().when(ERASE).then_nothing()
    erased = link().when(ERASE).then_types(ApprovalLinkErased)
    erased.when(ERASE).then_nothing()
    erased.when(USE).then_refused(NotFound)


def test_a_comment_is_kept_once_without_the_white_space_around_it() -> None:
    said = comment().history[-1]
    assert isinstance(said, DraftCommented)
    assert (said.body, said.user_id, said.author_id) == ("Too long.", OWNER, EVE)
    comment().when(ADD).then_nothing()


def test_an_empty_comment_is_refused() -> None:
    deciding(comments.decider).given().when(replace(ADD, body=" \n ")).then_refused(Invalid, "empty")


@pytest.mark.parametrize(
    "command", [RESOLVE, replace(RESOLVE, user_id=EVE), replace(RESOLVE, user_id=BOB, may_review_all=True)]
)
def test_owner_author_and_reviewers_resolve(command: comments.ResolveComment) -> None:
    comment().when(command).then_types(CommentResolved).when(RESOLVE).then_nothing()


def test_only_its_author_deletes_a_comment() -> None:
    comment().when(replace(DELETE, user_id=OWNER)).then_refused(Forbidden, "Only its author")
    deleted = comment().when(DELETE).then_types(CommentDeleted)
    deleted.when(DELETE).then_nothing()
    deleted.when(RESOLVE).then_refused(NotFound, "deleted")


@pytest.mark.parametrize("command", [RESOLVE, DELETE])
def test_a_stranger_finds_no_comment(command: comments.ResolveComment) -> None:
    comment().when(replace(command, user_id=BOB)).then_refused(NotFound)
    comment().when(replace(command, workflow_id=OTHER)).then_refused(NotFound)
    deciding(comments.decider).given().when(command).then_refused(NotFound)


def test_a_comment_goes_with_its_workflow_once() -> None:
    erase = comments.EraseComment(COMMENT, WORKFLOW, "workflow_removed")
    deciding(comments.decider).given().when(erase).then_nothing()
    comment().when(erase).then_types(CommentDeleted).when(erase).then_nothing()
