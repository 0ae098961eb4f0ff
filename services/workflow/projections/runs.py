"""Rows of processing_runs."""

from __future__ import annotations

from datetime import datetime

import orjson

from contracts.events.workflow import (
    ProcessingRunFinished,
    ProcessingRunProgressed,
    ProcessingRunRemoved,
    ProcessingRunStarted,
)
from shared.projection import RowChange, delete, insert, projects, update


@projects(ProcessingRunStarted)
def add(event: ProcessingRunStarted, at: datetime) -> RowChange:
    return insert(
        "processing_runs",
        id=event.run_id,
        user_id=event.user_id,
        batch_id=event.batch_id,
        started_at=at,
        posts_processed=0,
        images_processed=0,
        captions_generated=0,
        errors_count=0,
        status="running",
        platform_connection_id=event.connection_id,
        platform_type=event.platform_type,
        instance_url=event.instance_url,
        retry_attempts=0,
        retry_successes=0,
        retry_failures=0,
        retry_total_time=0,
    )


@projects(ProcessingRunProgressed)
def progress(event: ProcessingRunProgressed, at: datetime) -> RowChange:
    stats = None if event.retry_stats is None else orjson.dumps(event.retry_stats).decode()
    return update(
        "processing_runs",
        {"id": event.run_id},
        posts_processed=event.posts_processed,
        images_processed=event.images_processed,
        captions_generated=event.captions_generated,
        errors_count=event.errors_count,
        retry_attempts=event.retry_attempts,
        retry_successes=event.retry_successes,
        retry_failures=event.retry_failures,
        retry_total_time=event.retry_total_time,
        retry_stats_json=stats,
    )


@projects(ProcessingRunFinished)
def finish(event: ProcessingRunFinished, at: datetime) -> RowChange:
    return update("processing_runs", {"id": event.run_id}, status=event.run_status, completed_at=at)


@projects(ProcessingRunRemoved)
def remove(event: ProcessingRunRemoved, at: datetime) -> RowChange:
    return delete("processing_runs", id=event.run_id)
