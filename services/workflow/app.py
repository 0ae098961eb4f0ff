"""The workflow service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts import registry
from services.workflow import api, erasing, live, reactions, retention
from services.workflow.domain import caption, execution, log_retention, project, run, workflow
from services.workflow.live import Live
from services.workflow.projections import checkpoints, executions, runs, workflows
from services.workflow.settings import WorkflowSettings
from services.workflow.sources import Sources
from services.workflow.tools import Tools
from shared.kit import Kit, Service
from shared.retention.everywhere import EVERYWHERE


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """What the routes need."""
    assert kit.client is not None
    assert isinstance(kit.settings, WorkflowSettings)
    yield Tools(kit.settings, Sources(kit.client, kit.settings), Live(kit))


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
    ],
    projections=[workflows, executions, runs],
    trailing=[checkpoints],
    reactions=[reactions, erasing],
    routers=[*api.routers, live.router],
    retention=[*retention.RULES, *EVERYWHERE],
    months=["execution_logs"],
    tools=tools,
    body_limits={"/api/v1/executions": 33_554_432},
    deadlines={"/api/v1/workflows": 45.0, "/api/v1/executions": 90.0},
)
