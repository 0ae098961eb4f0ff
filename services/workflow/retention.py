"""How long workflow keeps what is over: it archives workflows, and lets executions, their logs and runs go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.workflow.domain.commands import ArchiveWorkflow, CleanCheckpoints
from services.workflow.domain.execution import RemoveExecution
from services.workflow.domain.post_import import RemoveImport
from services.workflow.domain.run import RemoveRun
from services.workflow.old_logs import OldLogs
from shared.retention import Rule
from shared.retention.commands import ByCommand

_INACTIVE = """
SELECT id, updated_at AS at FROM workflows
WHERE status = 'completed' AND updated_at < $1 AND NOT EXISTS (
    SELECT FROM platform_states WHERE workflow_id = workflows.id AND status = 'accepted' AND job_id IS NOT NULL)
ORDER BY updated_at, id LIMIT $2
"""
_SCHEDULED = """
SELECT count(DISTINCT workflow_id) FROM platform_states JOIN workflows ON workflows.id = workflow_id
WHERE platform_states.status = 'accepted' AND job_id IS NOT NULL AND workflows.updated_at < $1
"""
_WITH_CHECKPOINTS = """
SELECT id, updated_at AS at FROM workflows
WHERE status IN ('completed', 'failed', 'archived') AND updated_at < $1
  AND EXISTS (SELECT FROM checkpoints WHERE thread_id = workflows.id::text)
ORDER BY updated_at, id LIMIT $2
"""
_ENDED = """
SELECT id, completed_at AS at FROM executions
WHERE status IN ('completed', 'cancelled') AND completed_at < $1 ORDER BY completed_at, id LIMIT $2
"""
_FAILED = """
SELECT id, completed_at AS at FROM executions
WHERE status = 'failed' AND completed_at < $1 ORDER BY completed_at, id LIMIT $2
"""
_UNFINISHED = """
SELECT count(*) FROM executions WHERE status NOT IN ('completed', 'failed', 'cancelled') AND created_at < $1
"""
_RUNS = """
SELECT id, completed_at AS at FROM processing_runs
WHERE status <> 'running' AND completed_at < $1 ORDER BY completed_at, id LIMIT $2
"""
_RUNNING = "SELECT count(*) FROM processing_runs WHERE status = 'running' AND started_at < $1"
_IMPORTS = """
SELECT id, completed_at AS at FROM imports WHERE completed_at < $1 ORDER BY completed_at, id LIMIT $2
"""


def _archive(row: Mapping[str, Any], cutoff: datetime) -> ArchiveWorkflow:
    return ArchiveWorkflow(row["id"])


def _clean(row: Mapping[str, Any], cutoff: datetime) -> CleanCheckpoints:
    return CleanCheckpoints(row["id"])


def _remove_execution(row: Mapping[str, Any], cutoff: datetime) -> RemoveExecution:
    return RemoveExecution(row["id"], "expired")


def _remove_run(row: Mapping[str, Any], cutoff: datetime) -> RemoveRun:
    return RemoveRun(row["id"], "expired")


def _remove_import(row: Mapping[str, Any], cutoff: datetime) -> RemoveImport:
    return RemoveImport(row["id"], "expired")


RULES = (
    Rule(
        "inactive_workflows",
        "completed workflows are archived; all of them can still be read",
        "retention_inactive_workflows_days",
        ByCommand(_INACTIVE, _archive, _SCHEDULED, "in use: a job of theirs waits"),
    ),
    Rule(
        "checkpoints",
        "checkpoints of workflows that have ended",
        "retention_checkpoints_days",
        ByCommand(_WITH_CHECKPOINTS, _clean),
    ),
    Rule(
        "completed_executions",
        "executions that were completed or cancelled, with logs and artifacts",
        "retention_completed_executions_days",
        ByCommand(_ENDED, _remove_execution, _UNFINISHED, "in use: they have not ended"),
    ),
    Rule(
        "failed_executions",
        "executions that failed, with logs and artifacts",
        "retention_failed_executions_days",
        ByCommand(_FAILED, _remove_execution),
    ),
    Rule("execution_logs", "logs of executions", "retention_execution_logs_days", OldLogs()),
    Rule(
        "processing_runs",
        "records of processing runs that are over",
        "retention_processing_runs_days",
        ByCommand(_RUNS, _remove_run, _RUNNING, "in use: they are running"),
    ),
    Rule(
        "imports",
        "what is known of imports that are over; the posts stay",
        "retention_imports_days",
        ByCommand(_IMPORTS, _remove_import),
    ),
)
