"""Collected posts, imported posts and captions: what each stream allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.publishing import (
    CaptionPosted,
    CaptionPostFailed,
    CaptionPostRequested,
    PlatformPostImported,
    PlatformPostRemoved,
    PostCollected,
    PostEnriched,
    PostErased,
    PostProcessed,
    PostPublicationRequested,
    PostPublished,
    PostRemovalFailed,
    PostRemoved,
    PostUnpublished,
    PostUnpublishFailed,
    TakedownRequested,
)
from services.publishing.domain import caption, imported_post, post
from services.publishing.domain.caption import PostCaption, RecordCaptionFailed, RecordCaptionPosted
from services.publishing.domain.imported_post import ImportPost, NewImage, RemoveImport
from services.publishing.reddit import reactions
from shared.decider import Conflict, Invalid, NotFound
from shared.reactions import LeasedTask, Reactions, Task
from tests.deciding import Deciding, deciding

USER, STRANGER, CONNECTION, IMAGE = (UUID(int=number) for number in range(1, 5))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COLLECT = post.CollectPost(
    USER, "1abc", "Cold heap", "composting", 12, 7, NOW, "https://www.reddit.com/1abc", "Why?", ("https://i.redd.it/a",)
)
POST = COLLECT.post_id
WHOSE: dict[str, UUID] = {"post_id": POST, "user_id": USER}
TAKEDOWN = post.RequestTakedown(POST, USER, False, "The author asks.", NOW + timedelta(hours=72))
PUBLICATION = post.RecordPublication(POST, 1, "g1", "https://blog.example/a", "a", NOW, 120)


def collected() -> Deciding:
    return deciding(post.decider).when(COLLECT).then_types(PostCollected)


def published() -> Deciding:
    asked = collected().when(post.RequestPublication(POST, USER)).then_types(PostPublicationRequested)
    return asked.when(PUBLICATION).then_types(PostPublished)


def test_a_reddit_post_is_collected_once() -> None:
    collected().when(COLLECT).then_nothing()
    assert replace(COLLECT, user_id=STRANGER).post_id == POST
    collected().when(replace(COLLECT, user_id=STRANGER)).then_refused(Conflict, "collected once")


def test_a_file_that_a_post_shows_twice_is_one_file() -> None:
    twice = replace(COLLECT, media=("https://i.redd.it/a", "https://i.redd.it/b", "https://i.redd.it/a"))
    (event,) = deciding(post.decider).when(twice).events
    assert [each.url for each in event.media] == ["https://i.redd.it/a", "https://i.redd.it/b"]  # type: ignore[attr-defined]


def test_publishing_is_asked_for_once_at_a_time() -> None:
    asked = collected().when(post.RequestPublication(POST, USER)).then_types(PostPublicationRequested)
    asked.when(post.RequestPublication(POST, USER)).then_nothing()
    published().when(post.RequestPublication(POST, USER)).then(PostPublicationRequested(**WHOSE, turn=2))
    published().when(PUBLICATION).then_nothing()
    for somebody in (STRANGER, UUID(int=77)):
        collected().when(post.RequestPublication(POST, somebody)).then_refused(NotFound)


def test_a_takedown_is_asked_once_by_the_owner_or_a_moderator() -> None:
    asked = TakedownRequested(
        **WHOSE, reason="The author asks.", requested_by=USER, remove_after=NOW + timedelta(hours=72)
    )
    published().when(TAKEDOWN).then(asked)
    published().given(asked).when(TAKEDOWN).then_nothing()
    published().when(replace(TAKEDOWN, user_id=STRANGER)).then_refused(NotFound)
    moderated = published().when(replace(TAKEDOWN, user_id=STRANGER, moderates=True))
    assert [(event.user_id, event.requested_by) for event in moderated.events] == [(USER, STRANGER)]  # type: ignore[attr-defined]
    deciding(post.decider).when(replace(TAKEDOWN, moderates=True)).then_refused(NotFound)


def test_hidden_now_and_removed_later() -> None:
    down = published().when(TAKEDOWN).then_types(TakedownRequested)
    down.when(post.RequestPublication(POST, USER)).then_refused(Conflict, "taken down", current="takedown_pending")
    hidden = down.when(post.RecordUnpublished(POST, 80)).then_types(PostUnpublished)
    hidden.when(post.RecordUnpublished(POST, 80)).then_nothing()
    hidden.when(post.RecordUnpublishFailure(POST, "Too late to matter.")).then_nothing()
    gone = hidden.when(post.RecordRemoved(POST)).then_types(PostRemoved)
    gone.when(post.RecordRemoved(POST)).then_nothing()
    gone.when(TAKEDOWN).then_nothing()
    gone.when(COLLECT).then_refused(Conflict, "not collected again", current="removed")


def test_what_failed_to_be_hidden_is_not_hidden() -> None:
    down = published().when(TAKEDOWN).then_types(TakedownRequested)
    failed = down.when(post.RecordUnpublishFailure(POST, "Ghost is away.")).then_types(PostUnpublishFailed)
    assert failed.state.hidden is False
    failed.when(post.RecordUnpublished(POST)).then_types(PostUnpublished)
    failed.when(post.RecordRemovalFailure(POST, "Ghost is away.")).then_types(PostRemovalFailed)


def test_an_article_that_comes_out_after_the_takedown_is_to_be_hidden_again() -> None:
    asked = collected().when(post.RequestPublication(POST, USER)).then_types(PostPublicationRequested)
    hidden = asked.when(TAKEDOWN).then_types(TakedownRequested).when(post.RecordUnpublished(POST))
    late = hidden.then_types(PostUnpublished).when(PUBLICATION)
    assert [event.taken_down for event in late.events] == [True]  # type: ignore[attr-defined]
    late.then_types(PostPublished).when(post.RecordUnpublished(POST)).then_types(PostUnpublished)


@pytest.mark.parametrize(
    "late",
    [
        post.EnrichPost(POST, "요약", (), (), (), "0"),
        post.NoteProcessing(POST, "media", "completed"),
        PUBLICATION,
        post.RecordUnpublished(POST),
        post.RecordRemoved(POST),
        post.ErasePost(POST),
    ],
)
def test_what_arrives_about_a_post_that_is_gone_changes_nothing(late: Any) -> None:
    deciding(post.decider).when(late).then_nothing()
    published().given(PostErased(**WHOSE)).when(late).then_nothing()


def test_summaries_and_processing_are_kept_while_the_post_is_there() -> None:
    collected().when(post.EnrichPost(POST, "요약", ("soil",), ({"a": 1},), (), "0")).then(
        PostEnriched(**WHOSE, summary_ko="요약", tags=("soil",), pain_points=({"a": 1},), content_hash="0")
    )
    collected().when(post.NoteProcessing(POST, "media", "failed", "404", 3)).then(
        PostProcessed(**WHOSE, service_name="media", status="failed", error_message="404", processing_time_ms=3)
    )
    published().when(post.ErasePost(POST)).then(PostErased(**WHOSE, ghost_post_id="g1"))


IMPORT = ImportPost(
    USER,
    CONNECTION,
    "mastodon",
    "https://m.example",
    "110",
    "ada",
    "https://m.example/110",
    "Look",
    (NewImage("https://m.example/1.png", "1"), NewImage("https://m.example/2.png", "2", "image/png", " ")),
)


def test_a_post_is_imported_once_with_its_images_in_order() -> None:
    imported = deciding(imported_post.decider).when(IMPORT)
    (event,) = imported.events
    assert isinstance(event, PlatformPostImported)
    assert [(image.attachment_index, image.image_post_id) for image in event.images] == [(0, "1"), (1, "2")]
    assert len({image.image_id for image in event.images}) == 2
    there = imported.then_types(PlatformPostImported)
    there.when(IMPORT).then_nothing()
    there.when(RemoveImport(IMPORT.post_id, STRANGER)).then_refused(NotFound)
    ids = tuple(image.image_id for image in event.images)
    removed = there.when(RemoveImport(IMPORT.post_id, USER))
    removed.then(PlatformPostRemoved(post_id=IMPORT.post_id, user_id=USER, image_ids=ids))
    gone = removed.then_types(PlatformPostRemoved)
    gone.when(RemoveImport(IMPORT.post_id, USER)).then_nothing()
    gone.when(IMPORT).then_refused(Conflict, "was removed", current="removed")


def test_one_attachment_is_named_once() -> None:
    double = replace(
        IMPORT, images=(NewImage("https://m.example/1.png", "1"), NewImage("https://m.example/2.png", "1"))
    )
    deciding(imported_post.decider).when(double).then_refused(Invalid, "each attachment once")
    nameless = replace(IMPORT, images=(NewImage("https://m.example/1.png"), NewImage("https://m.example/2.png")))
    deciding(imported_post.decider).when(nameless).then_types(PlatformPostImported)


CAPTION = PostCaption(IMAGE, USER, POST, "A red door.")
ASKED = CaptionPostRequested(image_id=IMAGE, user_id=USER, post_id=POST, caption="A red door.", turn=1)


def test_the_newest_caption_counts() -> None:
    given = deciding(caption.decider).given
    deciding(caption.decider).when(CAPTION).then(ASKED)
    given(ASKED).when(CAPTION).then_nothing()
    newer = replace(CAPTION, caption="A green door.")
    both = given(ASKED).when(newer).then_types(CaptionPostRequested)
    both.when(RecordCaptionPosted(IMAGE, 1, NOW)).then_nothing()
    both.when(RecordCaptionPosted(IMAGE, 2, NOW)).then(CaptionPosted(image_id=IMAGE, user_id=USER, posted_at=NOW))


def test_a_caption_that_failed_is_put_up_when_it_is_approved_again() -> None:
    failed = (
        deciding(caption.decider)
        .given(ASKED)
        .when(RecordCaptionFailed(IMAGE, 1, "Gone."))
        .then_types(CaptionPostFailed)
    )
    failed.when(RecordCaptionFailed(IMAGE, 1, "Gone.")).then_nothing()
    failed.when(CAPTION).then_types(CaptionPostRequested)


@pytest.mark.parametrize("kind", ["ghost_hide", "ghost_remove", "ghost_erase"])
def test_what_has_to_leave_ghost_is_tried_again_for_ever(kind: str) -> None:
    worked = Reactions(reactions)
    before = datetime.now(UTC)
    payload = {"post_id": str(POST), "turn": 0, "ghost_post_id": "g1"}
    task = LeasedTask(UUID(int=9), kind, "", payload, 12, UUID(int=10), UUID(int=11), None, None, None)
    (again,) = [each for each in worked.resignations[kind](task, "Ghost is away.") if isinstance(each, Task)]
    assert (again.kind, again.payload) == (kind, payload)
    assert again.id != task.id
    assert again.due_at is not None
    assert again.due_at >= before + reactions.AGAIN
