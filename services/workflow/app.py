"""The workflow service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts import registry
from services.workflow import api, erasing, live, reactions, retention
from services.workflow.approval_tokens import ApprovalTokens
from services.workflow.domain import (
    approval_link,
    caption,
    comment,
    execution,
    log_retention,
    post_import,
    project,
    run,
    workflow,
)
from services.workflow.drafts import Drafts
from services.workflow.importing import api as imports
from services.workflow.importing import projections as import_projections
from services.workflow.importing import working
from services.workflow.projections import checkpoints, executions, reviews, runs, workflows
from services.workflow.settings import WorkflowSettings
from services.workflow.sources import Sources
from services.workflow.templates import Templates
from services.workflow.tools import Tools
from shared.http.live import Live
from shared.kit import Kit, Service
from shared.retention.everywhere import EVERYWHERE


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """What the routes need."""
    assert kit.client is not None
    assert isinstance(kit.settings, WorkflowSettings)
    keys = [key for key in kit.settings.field_keys.split(",") if key]
    sources, drafts = Sources(kit.client, kit.settings), Drafts(kit.client)
    yield Tools(kit.settings, sources, Live(kit), drafts, Templates(kit.client), ApprovalTokens(keys))


service = Service(
    name="workflow",
    settings=WorkflowSettings,
    registry=registry,
    deciders=[
        project.decider,
        workflow.decider,
        execution.decider,
        run.decider,
        caption.decider,
        log_retention.decider,
        comment.decider,
        approval_link.decider,
        post_import.decider,
    ],
    projections=[workflows, executions, runs, reviews, import_projections],
    trailing=[checkpoints],
    reactions=[reactions, erasing, working],
    routers=[*api.routers, imports.router, live.router],
    retention=[*retention.RULES, *EVERYWHERE],
    months=["execution_logs"],
    tools=tools,
    body_limits={"/api/v1/executions": 33_554_432, "/api/v1/import": 16_777_216},
    deadlines={"/api/v1/workflows": 45.0, "/api/v1/executions": 90.0, "/api/v1/import": 60.0},
)
