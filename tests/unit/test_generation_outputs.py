"""What an output allows in each of its states, and what engines make for the forms that only outputs take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import MAX_EVENT_BYTES
from contracts.events.generation import (
    OutputArchived,
    OutputCompleted,
    OutputDeleted,
    OutputEdited,
    OutputFailed,
    OutputProgressed,
    OutputRequested,
    OutputRetried,
    OutputStarted,
)
from services.gateway.routing import route_of
from services.generation.domain import output
from services.generation.domain.output import (
    ArchiveOutput,
    CompleteOutput,
    CopyOutput,
    DeleteOutput,
    EditOutput,
    FailOutput,
    ProgressOutput,
    RequestOutput,
    RetryOutput,
    StartOutput,
)
from services.generation.engines import Request, Source, provenance
from services.generation.engines.forms import form
from services.generation.engines.offline import OfflineEngine
from services.generation.outputs import have_it_written
from shared.decider import Conflict, NotFound
from tests.deciding import deciding

given = deciding(output.decider).given

OUTPUT, PROJECT, ADA, EVE = (UUID(int=n) for n in range(1, 5))
NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
WHO: dict[str, Any] = {"output_id": OUTPUT, "project_id": PROJECT, "user_id": ADA, "requested_at": NOW}
ASKED = {"tone_of_voice": "friendly"}

REQUEST = RequestOutput(OUTPUT, PROJECT, ADA, "email", "email", NOW, ASKED, text="Bread rises.", prompt="On bread.")
REQUESTED = OutputRequested(
    **WHO, kind="email", platform="email", request=ASKED, text="Bread rises.", prompt="On bread."
)
STARTED = OutputStarted(**WHO, attempt=1)
MEASURED = {"word_count": 2, "reading_time": 1}
COMPLETED = OutputCompleted(**WHO, body="Bread rises.", metadata=MEASURED | {"engine": "offline"})
FAILED = OutputFailed(**WHO, reason="Upload it again.", metadata={"error": "Upload it again."})
RETRIED = OutputRetried(**WHO, attempt=2)
DELETED = OutputDeleted(**WHO)
ARCHIVED = OutputArchived(
    **WHO, kind="email", status="completed", request=ASKED, body="Bread rises.", metadata=COMPLETED.metadata
)

START = StartOutput(OUTPUT, 1)
COMPLETE = CompleteOutput(OUTPUT, 1, "Bread rises.", {"engine": "offline"})
FAIL = FailOutput(OUTPUT, 1, "Upload it again.")
EDIT, RETRY = EditOutput(OUTPUT, ADA, "My own three words."), RetryOutput(OUTPUT, ADA)
ARCHIVE, DELETE = ArchiveOutput(OUTPUT, ADA), DeleteOutput(OUTPUT, ADA)


def test_an_output_is_asked_for_begun_and_completed_once() -> None:
    given().when(REQUEST).then(REQUESTED)
    given(REQUESTED).when(REQUEST).then_nothing()
    given(REQUESTED).when(START).then(STARTED)
    given(REQUESTED, STARTED).when(START).then_nothing()
    given(REQUESTED, STARTED).when(COMPLETE).then(COMPLETED)
    given(REQUESTED, STARTED, COMPLETED).when(replace(COMPLETE, body="Something else.")).then_nothing()
    given(REQUESTED, STARTED, COMPLETED).when(FAIL).then_nothing()


def test_a_failed_output_may_be_tried_again_and_late_news_of_the_first_attempt_is_passed_by() -> None:
    given(REQUESTED, STARTED).when(FAIL).then(FAILED)
    given(REQUESTED, STARTED, FAILED).when(RETRY).then(RETRIED)
    again = given(REQUESTED, STARTED, FAILED, RETRIED)
    for late in (START, COMPLETE, FAIL):
        again.when(late).then_nothing()
    again.when(RETRY).then_refused(Conflict, "Only a failed output", current="queued")
    again.when(replace(START, attempt=2)).then(replace_event(STARTED, attempt=2))


def test_each_file_that_is_read_is_told_of_once_an_attempt() -> None:
    of_files = given(REQUESTED.model_copy(update={"text": None, "file_ids": (UUID(int=7), UUID(int=8))}))
    read = [OutputProgressed(**WHO, attempt=1, files_read=n, files=2) for n in (1, 2)]
    first = ProgressOutput(OUTPUT, 1, 1)
    of_files.when(first).then_nothing()
    at_work = of_files.given(STARTED)
    at_work.when(first).then(read[0])
    at_work.given(read[0]).when(first).then_nothing()
    at_work.given(*read).when(first).then_nothing()
    again = at_work.given(*read, FAILED, RETRIED, STARTED.model_copy(update={"attempt": 2}))
    again.when(first).then_nothing()
    again.when(replace(first, attempt=2)).then_types(OutputProgressed)


def replace_event(event: OutputStarted, **changes: Any) -> OutputStarted:
    return event.model_copy(update=changes)


def test_only_a_completed_text_can_be_edited() -> None:
    edited = OutputEdited(
        **WHO, body=EDIT.body, metadata={"engine": "offline", "word_count": 4, "reading_time": 1, "edited": True}
    )
    given(REQUESTED, STARTED, COMPLETED).when(EDIT).then(edited)
    given(REQUESTED, STARTED, COMPLETED, edited).when(EDIT).then_nothing()
    given(REQUESTED).when(EDIT).then_refused(Conflict, "this one is queued", current="queued")
    given(REQUESTED, STARTED).when(EDIT).then_refused(Conflict, current="processing")
    given(REQUESTED, STARTED, FAILED).when(EDIT).then_refused(Conflict, current="failed")


def test_what_is_put_away_carries_all_that_is_known_and_stays_as_it_is() -> None:
    given(REQUESTED, STARTED, COMPLETED).when(ARCHIVE).then(ARCHIVED)
    away = given(REQUESTED, STARTED, COMPLETED, ARCHIVED)
    away.when(ARCHIVE).then_nothing()
    for change in (EDIT, RETRY):
        away.when(change).then_refused(Conflict, "stays as it is", current="archived")
    away.when(DELETE).then(DELETED)
    given(REQUESTED, STARTED).when(ARCHIVE).then_refused(Conflict, "completed or failed", current="processing")


def test_a_deleted_output_is_gone_and_what_is_written_for_it_is_not_kept() -> None:
    given(REQUESTED, STARTED).when(DELETE).then(DELETED)
    gone = given(REQUESTED, STARTED, DELETED)
    gone.when(DELETE).then_nothing()
    for late in (START, COMPLETE, FAIL):
        gone.when(late).then_nothing()
    for change in (EDIT, RETRY, ARCHIVE):
        gone.when(change).then_refused(NotFound, "list your outputs")


def test_a_copy_is_an_output_of_its_own_that_nobody_has_to_write() -> None:
    copy, first = UUID(int=5), UUID(int=6)
    asked = CopyOutput(copy, PROJECT, ADA, "email", "email", NOW, first, "Bread rises.", ASKED, COMPLETED.metadata)
    who = WHO | {"output_id": copy}
    requested = OutputRequested(**who, kind="email", platform="email", request=ASKED, copied_from=first)
    there = OutputCompleted(**who, body="Bread rises.", metadata=dict(COMPLETED.metadata) | {"copied_from": str(first)})
    given().when(asked).then(requested, there)
    given(requested, there).when(asked).then_nothing()
    assert have_it_written(requested) is None
    given(requested, there).when(replace(EDIT, output_id=copy)).then_types(OutputEdited)


@pytest.mark.parametrize("command", [EDIT, RETRY, ARCHIVE, DELETE])
def test_anothers_output_does_not_exist(command: Any) -> None:
    given(REQUESTED, STARTED, FAILED).when(replace(command, user_id=EVE)).then_refused(NotFound, "no such output")
    given().when(command).then_refused(NotFound, "no such output")


def test_a_text_too_big_to_travel_is_a_failure_that_says_what_to_do() -> None:
    events = given(REQUESTED, STARTED).when(replace(COMPLETE, body="x" * (MAX_EVENT_BYTES // 2))).events
    assert isinstance(events[0], OutputFailed)
    assert "ask for a shorter one" in events[0].reason


def test_the_largest_text_that_is_kept_can_be_put_away() -> None:
    body = "x" * (MAX_EVENT_BYTES // 2 - 1000)
    request = replace(REQUEST, request={"variables": {f"v{n}": "y" * 2000 for n in range(40)}})
    (requested,) = given().when(request).events
    (completed,) = given(requested, STARTED).when(replace(COMPLETE, body=body)).events
    (archived,) = given(requested, STARTED, completed).when(ARCHIVE).events
    assert len(archived.public_json()) < MAX_EVENT_BYTES


@pytest.mark.parametrize(
    ("path", "service"),
    [
        (f"/api/v1/projects/{PROJECT}/generate/blog", "generation"),
        (f"/api/v1/projects/{PROJECT}/generate", "generation"),
        (f"/api/v1/projects/{PROJECT}/generated", "workflow"),
        (f"/api/v1/projects/{PROJECT}", "workflow"),
        ("/api/v1/projects/generate", "workflow"),
        ("/api/v1/projects", "workflow"),
        ("/api/v1/outputs", "generation"),
    ],
)
def test_the_gateway_knows_who_writes(path: str, service: str) -> None:
    route = route_of(path)
    assert route is not None
    assert route.service == service


ARTICLE = (Path(__file__).parents[1] / "samples" / "article.md").read_text("utf-8")


@pytest.fixture(scope="module")
def engine() -> OfflineEngine:
    return OfflineEngine()


@pytest.mark.parametrize(("name", "most"), [("instagram", 2200), ("email", None)])
async def test_the_offline_engine_writes_every_form_of_the_sources_own_sentences(
    engine: OfflineEngine, name: str, most: int | None
) -> None:
    written = await engine.write(Request(name, Source("", ARTICLE)))
    assert written.content
    assert most is None or len(written.content) <= most
    assert all(origin != "missing" for _, origin in provenance(written.content, ARTICLE, written.title))
    assert written.hashtags
    assert ("#" in written.content) == (name == "instagram")


@pytest.mark.parametrize("words", [60, 150, 400])
async def test_an_e_mail_keeps_to_the_words_that_are_asked_for(engine: OfflineEngine, words: int) -> None:
    written = await engine.write(Request("email", Source("", ARTICLE), options={"words": words}))
    assert words / 3 < len(written.content.split()) <= words


async def test_a_blog_post_keeps_to_the_words_that_are_asked_for(engine: OfflineEngine) -> None:
    lengths = [
        len((await engine.write(Request("blog", Source("", ARTICLE), options={"words": most}))).content.split())
        for most in (150, 300)
    ]
    assert lengths[0] <= 165
    assert lengths[0] < lengths[1] <= 330


async def test_a_topic_changes_what_is_chosen(engine: OfflineEngine) -> None:
    text = (
        "The bakery opens at six. Bread needs flour, water and salt. An oven must be hot before bread goes in. "
        "Ships need a harbour with deep water. A captain reads the tides. Lighthouses keep ships off the rocks. "
        "Cats sleep sixteen hours a day. A cat washes itself with its tongue."
    )
    first = {
        topic: (await engine.write(Request("x", Source("", text), options={"topic": topic}))).content
        for topic in ("baking bread in an oven", "ships and lighthouses at sea")
    }
    assert first["baking bread in an oven"] != first["ships and lighthouses at sea"]


def test_a_form_that_nobody_knows_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        form(Request("fax", Source("", "text")))
    assert form(Request("x", Source("", "text"), options={"words": 5})).max_words is None
    assert form(Request("blog", Source("", "text"), options={"words": 500})).min_words == 500
