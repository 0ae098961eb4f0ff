"""What the routes of workflow need beside the kit."""

from __future__ import annotations

from dataclasses import dataclass

from services.workflow.approval_tokens import ApprovalTokens
from services.workflow.drafts import Drafts
from services.workflow.settings import WorkflowSettings
from services.workflow.sources import Sources
from services.workflow.templates import Templates
from shared.http.live import Live


@dataclass(frozen=True, slots=True)
class Tools:
    settings: WorkflowSettings
    sources: Sources
    live: Live
    drafts: Drafts
    templates: Templates
    approval_tokens: ApprovalTokens
