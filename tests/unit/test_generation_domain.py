"""What a draft allows, and what generation makes of what workflow says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.envelope import MAX_EVENT_BYTES, Event, Meta
from contracts.events.generation import DraftCreated, DraftFailed
from contracts.events.workflow import DraftEdited, DraftRequested
from services.generation import reactions
from services.generation.domain import draft
from services.generation.domain.draft import CreateDraft, FailDraft
from services.generation.settings import GenerationSettings
from shared.ids import derive
from shared.reactions import LeasedTask, Reactions, Task
from tests.deciding import deciding

given = deciding(draft.decider).given

DRAFT, WORKFLOW, USER, EARLIER, EVENT = (UUID(int=n) for n in range(1, 6))
WHO = {"draft_id": DRAFT, "workflow_id": WORKFLOW, "user_id": USER, "platform": "x", "iteration": 2}
TEXT = {"title": "On bread", "content": "Bread rises. 🥖", "source": "ai", "engine": "offline", "based_on_id": EARLIER}
MORE = {"model": "mini", "language": "en", "tone": "casual", "hashtags": ("#bread",), "usage": {"sentences": 3}}

CREATE = CreateDraft(**WHO, **TEXT, **MORE)
CREATED = DraftCreated(**WHO, **TEXT, **MORE)
FAIL = FailDraft(**WHO, reason="It took too long.")
FAILED = DraftFailed(**WHO, reason="It took too long.")


def heard(event: Event) -> Any:
    """The event as it arrives from workflow."""
    return event.at(Meta(EVENT, "workflow", WORKFLOW, 3, datetime(2026, 1, 31, tzinfo=UTC), WORKFLOW))


def requested(**changes: Any) -> DraftRequested:
    event = DraftRequested(workflow_id=WORKFLOW, user_id=USER, platform="x", iteration=2, feedback="Shorter.")
    return heard(event.model_copy(update={"based_on_id": EARLIER, **changes}))


def leased(task: Task) -> LeasedTask:
    return LeasedTask(task.id, task.kind, task.lane, task.payload, 1, UUID(int=9), WORKFLOW, EVENT, USER, None)


def test_a_text_is_kept_with_everything_known_of_it() -> None:
    given().when(CREATE).then(CREATED)


def test_a_draft_written_twice_is_written_once_whatever_the_second_says() -> None:
    given(CREATED).when(CREATE).then_nothing()
    given(CREATED).when(replace(CREATE, content="Something else.")).then_nothing()


def test_a_failure_is_said_once() -> None:
    given().when(FAIL).then(FAILED)
    given(FAILED).when(FAIL).then_nothing()


def test_a_text_that_comes_after_the_failure_and_a_failure_after_the_text_change_nothing() -> None:
    given(FAILED).when(CREATE).then_nothing()
    given(CREATED).when(FAIL).then_nothing()


@pytest.mark.parametrize("character", ["a", "ß", "🥖", "\n"])
def test_a_text_too_big_for_an_event_is_a_failure_that_says_what_to_do(character: str) -> None:
    fits = replace(CREATE, content=character * (MAX_EVENT_BYTES // 8))
    (created,) = given().when(fits).events
    assert isinstance(created, DraftCreated)
    (failed,) = given().when(replace(CREATE, content=character * MAX_EVENT_BYTES)).events
    assert isinstance(failed, DraftFailed)
    assert "256 KB; shorten it" in failed.reason


def test_a_request_becomes_one_task_however_often_it_is_heard() -> None:
    first, again = (Reactions(reactions).outcomes(requested()) for _ in range(2))
    assert first == again
    (task,) = first
    assert (task.id, task.kind) == (derive(EVENT, "write"), "write")
    order = reactions.Order.model_validate(task.payload)
    assert (order.platform, order.iteration, order.feedback, order.based_on_id) == ("x", 2, "Shorter.", EARLIER)
    assert order.requested_by == EVENT


def test_the_same_iteration_is_the_same_draft_and_another_one_is_another() -> None:
    drafts = {reactions.Order.model_validate(reactions.have_it_written(requested(iteration=n)).payload).draft_id
              for n in (1, 2, 2)}  # fmt: skip
    assert drafts == {derive("draft", WORKFLOW, "x", 1), derive("draft", WORKFLOW, "x", 2)}


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("\n\n## A heading\n\nText.", "A heading"),
        ("Just a line.\nAnother.", "Just a line."),
        ("#hashtag first", "#hashtag first"),
        ("w" * 500, "w" * 120),
        (" \n ", ""),
    ],
)
def test_an_edit_is_kept_at_once_as_the_persons_draft(content: str, title: str) -> None:
    edited = DraftEdited(
        workflow_id=WORKFLOW,
        user_id=USER,
        platform="x",
        draft_id=DRAFT,
        based_on_id=EARLIER,
        iteration=2,
        content=content,
        purpose="refine",
    )
    (command,) = Reactions(reactions).outcomes(heard(edited))
    expected = DraftCreated(
        **WHO, content=content, title=title, source="human", engine="human", based_on_id=EARLIER, tone=""
    )
    given().when(command).then(expected)


def test_giving_up_says_why_and_what_to_do() -> None:
    task = leased(reactions.have_it_written(requested()))
    (command,) = reactions.say_that_nobody_could(task, "It took too long.")
    (failed,) = given().when(command).events
    assert isinstance(failed, DraftFailed)
    assert failed.reason == "It took too long. To try again, start a new workflow."
    assert failed.draft_id == derive("draft", WORKFLOW, "x", 2)


def test_the_engine_decides_how_many_drafts_are_in_hand_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(engine: str) -> int:
        settings = GenerationSettings(engine=engine, model_name="any", model_base_url="http://127.0.0.1/v1")  # type: ignore[arg-type]
        return Reactions(reactions, concurrency=settings.concurrency()).workers["write"].concurrency

    assert at_once("offline") == 4
    assert at_once("offline") < at_once("model") < at_once("instant")
    monkeypatch.setenv("PRESSWORK_WORK_CONCURRENCY", '{"write": 2}')
    assert at_once("instant") == 2


def test_the_environment_chooses_the_engine_and_an_unknown_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSWORK_ENGINE", "model")
    monkeypatch.setenv("PRESSWORK_MODEL_NAME", "some-model")
    with pytest.raises(ValidationError, match="PRESSWORK_MODEL_BASE_URL"):
        GenerationSettings()
    monkeypatch.setenv("PRESSWORK_MODEL_BASE_URL", "http://127.0.0.1:1234/v1")
    monkeypatch.setenv("PRESSWORK_MODEL_API_KEY", "s3cret")
    settings = GenerationSettings()
    assert (settings.engine, settings.model_name, settings.model_timeout) == ("model", "some-model", 60)
    assert "s3cret" not in repr(settings)
    monkeypatch.setenv("PRESSWORK_ENGINE", "crystal ball")
    with pytest.raises(ValidationError, match="engine"):
        GenerationSettings()
