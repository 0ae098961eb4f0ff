"""Caption tasks, caption settings, captions, summaries and token usage: what each allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.envelope import Event
from contracts.events.generation import (
    CaptionGenerated,
    CaptionSettingsChanged,
    CaptionSettingsErased,
    CaptionTaskCancelled,
    CaptionTaskCompleted,
    CaptionTaskErased,
    CaptionTaskFailed,
    CaptionTaskProgressed,
    CaptionTaskStarted,
    PostSummarised,
    TokensUsed,
    TokenUsageErased,
)
from services.generation.domain import caption, caption_settings, caption_task, token_usage
from services.generation.domain.caption import RecordCaption, RecordSummary
from services.generation.domain.caption_settings import CaptionChoices, ChangeCaptionSettings, EraseCaptionSettings
from services.generation.domain.caption_task import (
    CancelCaptionTask,
    CompleteCaptionTask,
    EraseCaptionTask,
    FailCaptionTask,
    ReportProgress,
    StartCaptionTask,
)
from services.generation.domain.token_usage import EraseTokens, RecordTokens
from shared.decider import Conflict, Invalid, NotFound
from tests.deciding import deciding

TASK, ADA, EVE, ACCOUNT, IMAGE = (UUID(int=n) for n in range(1, 6))
NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WHO = {"task_id": TASK, "user_id": ADA}

task = deciding(caption_task.decider).given
START = StartCaptionTask(TASK, ADA, ACCOUNT, {"max_posts_per_run": 5})
STARTED = CaptionTaskStarted(**WHO, connection_id=ACCOUNT, settings={"max_posts_per_run": 5})
MOVED = CaptionTaskProgressed(**WHO, progress_percent=10, current_step="Describing", started_at=NOW)
COMPLETED = CaptionTaskCompleted(**WHO, results={"captions": 2}, started_at=NOW, completed_at=LATER)
FAILED = CaptionTaskFailed(**WHO, reason="Connect again.", completed_at=LATER)
CANCELLED = CaptionTaskCancelled(**WHO, completed_at=LATER)


def test_a_task_is_started_once() -> None:
    task().when(START).then(STARTED)
    task(STARTED).when(START).then_nothing()
    task(STARTED, CANCELLED).when(START).then_nothing()


def test_progress_keeps_the_time_of_the_first_step() -> None:
    task(STARTED).when(ReportProgress(TASK, 10, "Describing", NOW)).then(MOVED)
    task(STARTED, MOVED).when(ReportProgress(TASK, 10, "Describing", LATER)).then_nothing()
    further = CaptionTaskProgressed(**WHO, progress_percent=90, current_step="Posting", started_at=NOW)
    task(STARTED, MOVED).when(ReportProgress(TASK, 90, "Posting", LATER)).then(further)


def test_a_task_ends_once() -> None:
    complete, fail = CompleteCaptionTask(TASK, {"captions": 2}, LATER), FailCaptionTask(TASK, "Connect again.", LATER)
    cancel = CancelCaptionTask(TASK, ADA, LATER)
    task(STARTED, MOVED).when(complete).then(COMPLETED)
    task(STARTED, MOVED).when(fail).then(FAILED)
    task(STARTED).when(cancel).then(CANCELLED)
    for end, same in ((COMPLETED, complete), (FAILED, fail), (CANCELLED, cancel)):
        task(STARTED, end).when(same).then_nothing()
        for other in (complete, fail, cancel, ReportProgress(TASK, 50, "On", LATER)):
            if other == same:
                continue
            task(STARTED, end).when(other).then_refused(Conflict, "start a new one")


def test_a_task_of_another_or_of_nobody_does_not_exist() -> None:
    task(STARTED).when(CancelCaptionTask(TASK, EVE, NOW)).then_refused(NotFound, "list your caption tasks")
    task().when(ReportProgress(TASK, 1, "On", NOW)).then_refused(NotFound)


def test_an_erased_task_is_gone() -> None:
    erased = CaptionTaskErased(**WHO)
    task(STARTED).when(EraseCaptionTask(TASK, ADA)).then(erased)
    task(STARTED, erased).when(EraseCaptionTask(TASK, ADA)).then_nothing()
    task(STARTED, erased).when(ReportProgress(TASK, 1, "On", NOW)).then_refused(NotFound)


settings = deciding(caption_settings.decider).given
CHANGE = ChangeCaptionSettings(ADA, ACCOUNT, CaptionChoices(max_posts_per_run=5), NOW)
SETTINGS = {"caption_settings_id": CHANGE.caption_settings_id, "user_id": ADA}
CHANGED = CaptionSettingsChanged(**SETTINGS, connection_id=ACCOUNT, max_posts_per_run=5, created_at=NOW)


def test_settings_are_said_whole_and_keep_the_time_of_the_first_choice() -> None:
    settings().when(CHANGE).then(CHANGED)
    settings(CHANGED).when(replace(CHANGE, now=LATER)).then_nothing()
    again = replace(CHANGE, choices=CaptionChoices(reprocess_existing=True), now=LATER)
    changed = CaptionSettingsChanged(**SETTINGS, connection_id=ACCOUNT, reprocess_existing=True, created_at=NOW)
    settings(CHANGED).when(again).then(changed)


@pytest.mark.parametrize(
    "choices",
    [
        CaptionChoices(optimal_min_length=201),
        CaptionChoices(optimal_max_length=501),
        CaptionChoices(max_caption_length=100),
    ],
)
def test_lengths_that_contradict_each_other_are_refused(choices: CaptionChoices) -> None:
    settings().when(replace(CHANGE, choices=choices)).then_refused(Invalid, "`optimal_min_length` is at most")


def test_erased_settings_may_be_chosen_again() -> None:
    erase = EraseCaptionSettings(CHANGE.caption_settings_id, ADA)
    erased = CaptionSettingsErased(**SETTINGS)
    settings(CHANGED).when(erase).then(erased)
    settings(CHANGED, erased).when(erase).then_nothing()
    settings(CHANGED, erased).when(CHANGE).then(CHANGED)


captions = deciding(caption.captions).given
CAPTION = RecordCaption(IMAGE, ADA, "  A heap of leaves with steam above it. ", "offline")
GENERATED = CaptionGenerated(
    image_id=IMAGE, user_id=ADA, caption="A heap of leaves with steam above it.", engine="offline"
)


def test_a_caption_is_kept_each_time_it_says_something_new() -> None:
    captions().when(CAPTION).then(GENERATED)
    captions(GENERATED).when(CAPTION).then_nothing()
    other = GENERATED.model_copy(update={"caption": "Leaves."})
    captions(GENERATED).when(replace(CAPTION, caption="Leaves.")).then(other)
    captions(GENERATED, other).when(CAPTION).then(GENERATED)


@pytest.mark.parametrize(("text", "sentence"), [(" \n", "is empty"), ("x" * 501, "has 501 characters; at most 500")])
def test_a_caption_that_no_platform_takes_is_refused(text: str, sentence: str) -> None:
    captions().when(replace(CAPTION, caption=text)).then_refused(Invalid, sentence)


def test_a_summary_is_kept_once_for_one_content() -> None:
    summaries = deciding(caption.summaries).given
    record = RecordSummary(IMAGE, ADA, "요약", "0" * 64, "model", ("a", "b", "c"), ({"description": "Cold."},))
    kept = PostSummarised(
        post_id=IMAGE,
        user_id=ADA,
        summary_ko="요약",
        tags=("a", "b", "c"),
        pain_points=({"description": "Cold."},),
        content_hash="0" * 64,
        engine="model",
    )
    summaries().when(record).then(kept)
    summaries(kept).when(record).then_nothing()
    newer: Event = kept.model_copy(update={"content_hash": "1" * 64})
    summaries(kept).when(replace(record, content_hash="1" * 64)).then(newer)


def test_a_call_is_recorded_once() -> None:
    usage = deciding(token_usage.decider).given
    record = RecordTokens(TASK, "generation", "small", 11, 7, "0.000001", user_id=ADA)
    used = TokensUsed(
        token_usage_id=TASK,
        service="generation",
        model="small",
        input_tokens=11,
        output_tokens=7,
        cost_usd="0.000001",
        user_id=ADA,
    )
    usage().when(record).then(used)
    usage(used).when(record).then_nothing()
    erased = TokenUsageErased(token_usage_id=TASK)
    usage(used).when(EraseTokens(TASK)).then(erased)
    usage(used, erased).when(EraseTokens(TASK)).then_nothing()
    usage(used, erased).when(record).then_nothing()
