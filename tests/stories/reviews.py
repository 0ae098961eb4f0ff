"""What people say about drafts that await a decision: comments, and links for those without an account."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from services.workflow.domain import approval_link as links
from services.workflow.domain import comment as comments
from shared.ids import new_id
from shared.kit import Kit
from tests.stories.posts import AT


async def talk(kit: Kit, ready: Any, chance: random.Random) -> None:
    """Its owner or a guest comments on the draft, perhaps takes it back; a link is made, used, perhaps withdrawn."""
    link_id, comment_id = new_id(), new_id()
    here = (ready.workflow_id,)
    until = AT + timedelta(days=7)
    make = links.CreateApprovalLink(link_id, *here, ready.user_id, (ready.platform,), "Dana", until, AT)
    await kit.handle(make, actor=ready.user_id)
    await kit.handle(links.OpenApprovalLink(link_id, *here, AT), actor=None)
    by = chance.choice([{"author_id": ready.user_id}, {"link_id": link_id}])
    on = (ready.user_id, ready.platform, ready.draft_id)
    await kit.handle(
        links.UseApprovalLink(link_id, *here, "comment", ready.platform, ready.draft_id, AT),
        actor=None,
        also=[comments.AddComment(comment_id, *here, *on, "Zu lang 🌱", "Dana", **by)],
    )
    if chance.random() < 0.5:
        await kit.handle(comments.ResolveComment(comment_id, *here, ready.user_id, False), actor=ready.user_id)
    if chance.random() < 0.2:
        await kit.handle(comments.EraseComment(comment_id, *here, "workflow_removed"), actor=None)
    if chance.random() < 0.3:
        await kit.handle(links.RevokeApprovalLink(link_id, *here, ready.user_id), actor=ready.user_id)
    if chance.random() < 0.1:
        await kit.handle(links.EraseApprovalLink(link_id, *here), actor=None)
