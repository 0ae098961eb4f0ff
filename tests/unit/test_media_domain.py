"""What files and resources allow, and what follows from their events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.envelope import Event, Meta
from contracts.events.media import (
    ExtractionFailed,
    FileDeleted,
    FileStored,
    ResourceAdded,
    ResourceRemoved,
    TextExtracted,
)
from contracts.events.workflow import ProjectDeleted
from services.media import reactions
from services.media.domain import file, resource
from services.media.domain.file import DeleteFile, DiscardFile, RecordFailure, RecordText, StoreFile
from services.media.domain.resource import MAX_CONTENT_BYTES, AddResource, RemoveResource
from services.media.paths import bytes_path, text_path
from shared.decider import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.reactions import Reactions, Strike, Task
from tests.deciding import deciding

FILE, USER, STRANGER, PROJECT = new_id(), new_id(), new_id(), new_id()
PATH = bytes_path(USER, PROJECT, FILE, "application/pdf")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

STORE = StoreFile(FILE, USER, PROJECT, PATH, "report.pdf", "application/pdf", 1234, "a" * 64)
STORED = FileStored(
    file_id=FILE,
    user_id=USER,
    project_id=PROJECT,
    path=PATH,
    name="report.pdf",
    mime_type="application/pdf",
    size_bytes=1234,
    sha256="a" * 64,
)
RECORD = RecordText(FILE, "Report", "en", 900, text_path(PATH), "b" * 64)
EXTRACTED = TextExtracted(
    file_id=FILE,
    user_id=USER,
    title="Report",
    language="en",
    characters=900,
    text_path=text_path(PATH),
    sha256="b" * 64,
)
FAIL = RecordFailure(FILE, "The PDF is protected; remove the password.")
FAILED = ExtractionFailed(file_id=FILE, user_id=USER, reason=FAIL.reason)
DELETED = FileDeleted(file_id=FILE, user_id=USER)

a_file = deciding(file.decider)


def test_bytes_in_storage_become_a_file() -> None:
    a_file.when(STORE).then(STORED)


def test_a_file_is_stored_once() -> None:
    a_file.given(STORED).when(STORE).then_nothing()


@pytest.mark.parametrize("other", [replace(STORE, sha256="c" * 64), replace(STORE, user_id=STRANGER)])
def test_an_id_names_one_file_for_good(other: StoreFile) -> None:
    a_file.given(STORED).when(other).then_refused(Conflict, current="stored")


def test_a_deleted_file_does_not_come_back_under_its_id() -> None:
    a_file.given(STORED, DELETED).when(STORE).then_refused(Conflict, "new Idempotency-Key", current="deleted")


def test_a_text_is_recorded_for_the_files_owner() -> None:
    a_file.given(STORED).when(RECORD).then(EXTRACTED)


def test_a_failure_is_recorded_with_its_reason() -> None:
    a_file.given(STORED).when(FAIL).then(FAILED)


@pytest.mark.parametrize("history", [(STORED, EXTRACTED), (STORED, FAILED), (STORED, DELETED), ()])
@pytest.mark.parametrize("outcome", [RECORD, FAIL])
def test_the_first_outcome_stands_and_none_comes_for_a_file_that_is_gone(
    history: tuple[Event, ...], outcome: RecordText | RecordFailure
) -> None:
    a_file.given(*history).when(outcome).then_nothing()


@pytest.mark.parametrize("history", [(STORED,), (STORED, EXTRACTED), (STORED, FAILED)])
def test_an_owner_deletes_a_file_whatever_became_of_its_text(history: tuple[Event, ...]) -> None:
    a_file.given(*history).when(DeleteFile(FILE, USER)).then(DELETED)


def test_a_file_is_deleted_once() -> None:
    a_file.given(STORED, DELETED).when(DeleteFile(FILE, USER)).then_nothing()


@pytest.mark.parametrize("history", [(), (STORED,), (STORED, DELETED)])
def test_a_foreign_or_unknown_file_does_not_exist(history: tuple[Event, ...]) -> None:
    a_file.given(*history).when(DeleteFile(FILE, STRANGER)).then_refused(NotFound)


def test_a_file_goes_with_its_project_in_the_name_of_its_owner() -> None:
    a_file.given(STORED).when(DiscardFile(FILE)).then(DELETED)


@pytest.mark.parametrize("history", [(), (STORED, DELETED)])
def test_discarding_what_is_gone_is_no_error(history: tuple[Event, ...]) -> None:
    a_file.given(*history).when(DiscardFile(FILE)).then_nothing()


def test_the_paths_survive_the_deletion_so_that_the_storage_can_be_cleared() -> None:
    state = file.decider.initial
    for event in (STORED, EXTRACTED, DELETED):
        state = file.evolve(state, event)
    assert (state.status, state.path, state.text_path) == ("deleted", PATH, text_path(PATH))


def test_bytes_lie_below_their_owner_and_project_and_the_text_beside_them() -> None:
    assert f"{USER}/{PROJECT}/{FILE}.pdf" == PATH
    assert bytes_path(USER, None, FILE, "text/markdown") == f"{USER}/none/{FILE}.md"
    assert text_path(PATH) == f"{USER}/{PROJECT}/{FILE}.text.md"


RESOURCE = new_id()
ADD = AddResource(RESOURCE, USER, "style_sample", "We ship on Fridays.", {"platform": "x"})
ADDED = ResourceAdded(
    resource_id=RESOURCE,
    user_id=USER,
    type="style_sample",
    content="We ship on Fridays.",
    metadata={"platform": "x"},
)
REMOVED = ResourceRemoved(resource_id=RESOURCE, user_id=USER)

a_resource = deciding(resource.decider)


def test_a_resource_is_added_once() -> None:
    a_resource.when(ADD).then(ADDED)
    a_resource.given(ADDED).when(ADD).then_nothing()


@pytest.mark.parametrize(
    ("wrong", "saying"),
    [
        (replace(ADD, type="poem"), "style_sample, reference, image"),
        (replace(ADD, content=" \n\t"), "empty"),
        (replace(ADD, content="é" * (MAX_CONTENT_BYTES // 2) + "e"), "200,001 bytes"),
    ],
)
def test_a_resource_has_a_known_type_and_content_of_a_sensible_size(wrong: AddResource, saying: str) -> None:
    a_resource.when(wrong).then_refused(Invalid, saying)


def test_content_of_just_the_limit_is_accepted() -> None:
    full = replace(ADD, content="é" * (MAX_CONTENT_BYTES // 2))
    a_resource.when(full).then(ADDED.model_copy(update={"content": full.content}))


def test_an_owner_removes_a_resource_once() -> None:
    a_resource.given(ADDED).when(RemoveResource(RESOURCE, USER)).then(REMOVED)
    a_resource.given(ADDED, REMOVED).when(RemoveResource(RESOURCE, USER)).then_nothing()


def test_a_removed_resource_does_not_come_back_under_its_id() -> None:
    a_resource.given(ADDED, REMOVED).when(ADD).then_refused(Conflict, current="removed")


@pytest.mark.parametrize("history", [(), (ADDED,), (ADDED, REMOVED)])
def test_a_foreign_or_unknown_resource_does_not_exist(history: tuple[Event, ...]) -> None:
    a_resource.given(*history).when(RemoveResource(RESOURCE, STRANGER)).then_refused(NotFound)


the_reactions = Reactions(reactions)


def heard(event: Event) -> list[object]:
    """What media does about an event that has its place in a stream."""
    place = Meta(new_id(), event.stream, FILE, 1, NOW, correlation_id=FILE)
    return the_reactions.outcomes(event.model_copy().at(place))


def test_a_stored_file_is_read_unless_its_text_came_along() -> None:
    (task,) = heard(STORED)
    assert isinstance(task, Task)
    assert (task.kind, task.payload["path"], task.due_at) == ("extract", PATH, None)
    assert heard(EXTRACTED) == [Strike(task.id)]


def test_the_storage_is_cleared_now_and_once_more_when_nobody_can_be_writing() -> None:
    (reading,) = heard(STORED)
    strike, now, later = heard(DELETED)
    assert isinstance(reading, Task)
    assert isinstance(now, Task)
    assert isinstance(later, Task)
    assert strike == Strike(reading.id)
    assert now.kind == later.kind == "remove"
    assert now.id != later.id
    assert (now.due_at, later.due_at) == (None, NOW + reactions.SWEEP_AFTER)
    assert timedelta(seconds=the_reactions.workers["extract"].lease) < reactions.SWEEP_AFTER


def test_a_deleted_project_is_emptied_in_the_name_of_its_owner() -> None:
    tasks = heard(ProjectDeleted(project_id=PROJECT, user_id=USER))
    assert [task.kind for task in tasks if isinstance(task, Task)] == ["empty_project"] * 2
    assert all(task.payload == {"project_id": PROJECT, "user_id": USER} for task in tasks if isinstance(task, Task))


def test_hearing_an_event_twice_asks_for_the_same_tasks() -> None:
    event = DELETED.model_copy().at(Meta(new_id(), "file", FILE, 2, NOW, correlation_id=FILE))
    assert the_reactions.outcomes(event) == the_reactions.outcomes(event)
