"""Rows of sources and drafts."""

from __future__ import annotations

from datetime import datetime

from contracts.events.generation import DraftCreated
from contracts.events.workflow import WorkflowStarted
from shared.projection import RowChange, insert, projects


@projects(WorkflowStarted)
def keep_the_source(event: WorkflowStarted, at: datetime) -> RowChange:
    source = event.source
    return insert(
        "sources",
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        title=source.title,
        text=source.text,
        file_id=source.file_id,
        sha256=source.sha256,
        characters=source.characters,
        language=source.language,
        url=source.url,
        options=event.options,
        created_at=at,
    )


@projects(DraftCreated)
def add_draft(event: DraftCreated, at: datetime) -> RowChange:
    return insert(
        "drafts",
        id=event.draft_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        iteration=event.iteration,
        title=event.title,
        content=event.content,
        source=event.source,
        based_on_id=event.based_on_id,
        engine=event.engine,
        model=event.model,
        language=event.language,
        tone=event.tone,
        hashtags=event.hashtags,
        usage=event.usage,
        created_at=at,
    )
