"""What happens to a workflow in the workflow service, as the commands that make it: 20 events for three platforms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.events.workflow import Source
from services.workflow.domain import commands as ask
from shared.ids import new_id

PLATFORMS = ("linkedin", "x", "blog")
TEXT = (
    "Yeast eats sugar and breathes out gas. The gas is caught by gluten, a net of proteins that kneading builds. "
    "A slow rise in a cool place gives the yeast 18 hours. The crumb gets larger holes and the crust more taste. "
)
EVENTS = 20


@dataclass
class Story:
    """One workflow from start to completion."""

    user_id: UUID
    workflow_id: UUID = field(default_factory=new_id)
    drafts: dict[str, UUID] = field(default_factory=lambda: {name: new_id() for name in PLATFORMS})
    jobs: dict[str, UUID] = field(default_factory=lambda: {name: new_id() for name in PLATFORMS})

    def steps(self) -> Iterator[list[Any]]:
        """Commands, grouped as they arrive: started, drafted, judged, reviewed, published."""
        workflow, user = self.workflow_id, self.user_id
        source = Source(
            title="Why bread rises", text=TEXT, sha256=hashlib.sha256(TEXT.encode()).hexdigest(), characters=len(TEXT)
        )
        yield [ask.StartWorkflow(workflow, user, source, PLATFORMS)]
        yield [ask.NoteDraft(workflow, name, draft, 1, "ai") for name, draft in self.drafts.items()]
        yield [ask.NoteVerdict(workflow, name, draft, 1, 90, "") for name, draft in self.drafts.items()]
        decisions = [
            ask.Decision(name, "accept", draft, publication=ask.Publication(self.jobs[name]))
            for name, draft in self.drafts.items()
        ]
        yield [ask.Review(workflow, user, tuple(decisions))]
        yield [
            ask.NotePublished(workflow, name, self.jobs[name], draft, f"https://example.org/{draft}", str(draft))
            for name, draft in self.drafts.items()
        ]
