"""Rows of sources, drafts, outputs, templates, caption tasks and settings, and token usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from contracts.events.generation import (
    CaptionSettingsChanged,
    CaptionSettingsErased,
    CaptionTaskCancelled,
    CaptionTaskCompleted,
    CaptionTaskErased,
    CaptionTaskFailed,
    CaptionTaskProgressed,
    CaptionTaskStarted,
    DraftCreated,
    DraftErased,
    OutputArchived,
    OutputCompleted,
    OutputDeleted,
    OutputEdited,
    OutputEvent,
    OutputFailed,
    OutputProgressed,
    OutputRequested,
    OutputRetried,
    OutputStarted,
    SourceErased,
    TemplateChanged,
    TemplateCreated,
    TemplateDeleted,
    TokensUsed,
    TokenUsageErased,
)
from contracts.events.media import ResourceAdded, ResourceRemoved
from contracts.events.workflow import (
    DraftAccepted,
    DraftEdited,
    DraftRejected,
    PlatformReadyForReview,
    WorkflowArchived,
    WorkflowRemoved,
    WorkflowStarted,
)
from services.generation.engines.forms import FORMS
from services.generation.engines.language import detect
from shared.platforms import PLATFORMS
from shared.projection import RowChange, delete, insert, projects, update, upsert
from shared.style import measured


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


@projects(PlatformReadyForReview)
def put_up_for_review(event: PlatformReadyForReview, at: datetime) -> RowChange:
    return upsert(
        "drafts_in_review",
        {"workflow_id": event.workflow_id, "platform": event.platform},
        draft_id=event.draft_id,
        user_id=event.user_id,
        since=at,
    )


@projects(DraftAccepted, DraftRejected, DraftEdited)
def take_out_of_review(event: DraftAccepted | DraftRejected | DraftEdited, at: datetime) -> RowChange:
    return delete("drafts_in_review", workflow_id=event.workflow_id, platform=event.platform)


@projects(WorkflowArchived, WorkflowRemoved)
def close_the_reviews(event: WorkflowArchived | WorkflowRemoved, at: datetime) -> list[RowChange]:
    return [delete("drafts_in_review", workflow_id=event.workflow_id, platform=platform) for platform in PLATFORMS]


@projects(DraftErased)
def drop_draft(event: DraftErased, at: datetime) -> RowChange:
    return delete("drafts", id=event.draft_id)


@projects(SourceErased)
def drop_source(event: SourceErased, at: datetime) -> RowChange:
    return delete("sources", workflow_id=event.workflow_id)


def _output(event: OutputEvent) -> dict[str, Any]:
    return {"id": event.output_id, "created_at": event.requested_at}


@projects(OutputRequested)
def add_output(event: OutputRequested, at: datetime) -> RowChange:
    return insert(
        "outputs",
        **_output(event),
        user_id=event.user_id,
        project_id=event.project_id,
        kind=event.kind,
        status="queued",
        request=event.request,
        metadata={},
        updated_at=at,
    )


@projects(OutputRetried)
def queue_output(event: OutputRetried, at: datetime) -> RowChange:
    return update("outputs", _output(event), status="queued", metadata={}, updated_at=at)


@projects(OutputStarted)
def start_output(event: OutputStarted, at: datetime) -> RowChange:
    return update("outputs", _output(event), status="processing", updated_at=at)


@projects(OutputProgressed)
def hear_of_output(event: OutputProgressed, at: datetime) -> RowChange:
    return update("outputs", _output(event), updated_at=at)


@projects(OutputCompleted)
def complete_output(event: OutputCompleted, at: datetime) -> RowChange:
    changed = {"body": event.body, "metadata": event.metadata, "updated_at": at}
    return update("outputs", _output(event), status="completed", **changed)


@projects(OutputFailed)
def fail_output(event: OutputFailed, at: datetime) -> RowChange:
    return update("outputs", _output(event), status="failed", metadata=event.metadata, updated_at=at)


@projects(OutputEdited)
def edit_output(event: OutputEdited, at: datetime) -> RowChange:
    return update("outputs", _output(event), body=event.body, metadata=event.metadata, updated_at=at)


@projects(OutputArchived)
def archive_output(event: OutputArchived, at: datetime) -> list[RowChange]:
    return [
        delete("outputs", **_output(event)),
        insert(
            "outputs_archive",
            **_output(event),
            user_id=event.user_id,
            project_id=event.project_id,
            kind=event.kind,
            status=event.status,
            request=event.request,
            body=event.body,
            metadata=event.metadata,
            updated_at=at,
            archived_at=at,
        ),
    ]


@projects(OutputDeleted)
def drop_output(event: OutputDeleted, at: datetime) -> list[RowChange]:
    return [delete("outputs", **_output(event)), delete("outputs_archive", id=event.output_id)]


@projects(TemplateCreated)
def add_template(event: TemplateCreated, at: datetime) -> RowChange:
    return insert(
        "templates",
        id=event.template_id,
        user_id=event.user_id,
        name=event.name,
        type=event.type,
        prompt=event.prompt,
        is_custom=event.is_custom,
        created_at=at,
        updated_at=at,
    )


@projects(TemplateChanged)
def change_template(event: TemplateChanged, at: datetime) -> RowChange:
    return update(
        "templates",
        {"id": event.template_id},
        name=event.name,
        type=event.type,
        prompt=event.prompt,
        updated_at=at,
    )


@projects(TemplateDeleted)
def drop_template(event: TemplateDeleted, at: datetime) -> RowChange:
    return delete("templates", id=event.template_id)


@projects(CaptionTaskStarted)
def add_caption_task(event: CaptionTaskStarted, at: datetime) -> RowChange:
    return insert(
        "caption_generation_tasks",
        id=event.task_id,
        user_id=event.user_id,
        platform_connection_id=event.connection_id,
        status="queued",
        settings_json=_text(event.settings),
        created_at=at,
        progress_percent=0,
    )


@projects(CaptionTaskProgressed)
def move_caption_task(event: CaptionTaskProgressed, at: datetime) -> RowChange:
    return update(
        "caption_generation_tasks",
        {"id": event.task_id},
        status="running",
        started_at=event.started_at,
        progress_percent=event.progress_percent,
        current_step=event.current_step,
    )


@projects(CaptionTaskCompleted)
def complete_caption_task(event: CaptionTaskCompleted, at: datetime) -> RowChange:
    return update(
        "caption_generation_tasks",
        {"id": event.task_id},
        status="completed",
        started_at=event.started_at,
        completed_at=event.completed_at,
        results_json=_text(event.results),
        progress_percent=100,
    )


@projects(CaptionTaskFailed)
def fail_caption_task(event: CaptionTaskFailed, at: datetime) -> RowChange:
    return update(
        "caption_generation_tasks",
        {"id": event.task_id},
        status="failed",
        completed_at=event.completed_at,
        error_message=event.reason,
    )


@projects(CaptionTaskCancelled)
def cancel_caption_task(event: CaptionTaskCancelled, at: datetime) -> RowChange:
    return update(
        "caption_generation_tasks", {"id": event.task_id}, status="cancelled", completed_at=event.completed_at
    )


@projects(CaptionTaskErased)
def drop_caption_task(event: CaptionTaskErased, at: datetime) -> RowChange:
    return delete("caption_generation_tasks", id=event.task_id)


@projects(CaptionSettingsChanged)
def keep_caption_settings(event: CaptionSettingsChanged, at: datetime) -> RowChange:
    return upsert(
        "caption_generation_user_settings",
        {"id": event.caption_settings_id},
        user_id=event.user_id,
        platform_connection_id=event.connection_id,
        max_posts_per_run=event.max_posts_per_run,
        max_caption_length=event.max_caption_length,
        optimal_min_length=event.optimal_min_length,
        optimal_max_length=event.optimal_max_length,
        reprocess_existing=event.reprocess_existing,
        processing_delay=event.processing_delay,
        created_at=event.created_at,
        updated_at=at,
    )


@projects(CaptionSettingsErased)
def drop_caption_settings(event: CaptionSettingsErased, at: datetime) -> RowChange:
    return delete("caption_generation_user_settings", id=event.caption_settings_id)


@projects(TokensUsed)
def add_token_usage(event: TokensUsed, at: datetime) -> RowChange:
    return insert(
        "token_usage",
        id=event.token_usage_id,
        post_id=event.post_id,
        service=event.service,
        model=event.model,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cost_usd=event.cost_usd,
        created_at=at,
        user_id=event.user_id,
    )


@projects(TokenUsageErased)
def forget_whose_tokens(event: TokenUsageErased, at: datetime) -> RowChange:
    return update("token_usage", {"id": event.token_usage_id}, user_id=None)


def _text(value: Mapping[str, Any]) -> str:
    """JSON in a column of text, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


@projects(ResourceAdded)
def measure_the_sample(event: ResourceAdded, at: datetime) -> RowChange | None:
    """The measures of a style sample; other resources are not generation's."""
    if event.type != "style_sample":
        return None
    platform = str(event.metadata.get("platform") or "").strip().casefold()
    style = measured(event.content, detect(event.content))
    return insert(
        "style_samples",
        id=event.resource_id,
        user_id=event.user_id,
        platform=platform if platform in FORMS else "",
        style=asdict(style),
        created_at=at,
    )


@projects(ResourceRemoved)
def drop_the_sample(event: ResourceRemoved, at: datetime) -> RowChange:
    return delete("style_samples", id=event.resource_id)
