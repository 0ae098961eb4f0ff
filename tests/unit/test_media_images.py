"""Images of posts, the posts, and files of collected posts: what each stream allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.events.media import (
    ImageCaptioned,
    ImageDeleted,
    ImageFailed,
    ImageImported,
    ImagePosted,
    ImagePostFailed,
    ImageReviewed,
    ImageScored,
    ImageStored,
    MediaFileDeleted,
    MediaFileFailed,
    MediaFileStored,
    PlatformPostDropped,
    PlatformPostKept,
    ResourceRemoved,
)
from services.media.domain import image, kept_post, media_file, resource
from shared.decider import NotFound
from tests.deciding import Deciding, deciding

IMAGE, USER, STRANGER, POST, CONNECTION, REVIEWER = (UUID(int=number) for number in range(1, 7))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PLACE = (CONNECTION, "mastodon", "https://m.example")
IMPORT = image.ImportImage(
    IMAGE, USER, POST, *PLACE, "https://m.example/1.png", "u/images/1", "1.png", None, "7", 0, " ", NOW
)
STORE = image.StoreImage(IMAGE, USER, "image/png", 3, "aa")
CAPTION = image.NoteCaption(IMAGE, "A red door.", None, "photo", "offline")
APPROVE = image.NoteReview(IMAGE, REVIEWER, "approve", None, None, NOW)


def imported() -> Deciding:
    return deciding(image.decider).when(IMPORT).then_types(ImageImported)


def captioned() -> Deciding:
    stored = imported().when(STORE).then_types(ImageStored)
    return stored.when(CAPTION).then_types(ImageCaptioned)


def test_an_image_is_imported_once_and_not_again_after_it_is_gone() -> None:
    imported().when(IMPORT).then_nothing()
    gone = imported().when(image.DeleteImage(IMAGE)).then_types(ImageDeleted)
    gone.when(IMPORT).then_nothing()
    gone.when(image.DeleteImage(IMAGE)).then_nothing()


def test_bytes_come_from_the_owner_or_from_where_the_platform_shows_them() -> None:
    imported().when(replace(STORE, user_id=STRANGER)).then_refused(NotFound)
    deciding(image.decider).when(STORE).then_refused(NotFound)
    deciding(image.decider).when(replace(STORE, user_id=None)).then_nothing()
    there = imported().when(replace(STORE, user_id=None)).then_types(ImageStored)
    there.when(STORE).then_nothing()
    there.when(replace(STORE, sha256="bb")).then_types(ImageStored)


def test_what_failed_to_come_is_an_error_until_it_comes() -> None:
    failed = imported().when(image.FailImage(IMAGE, "404.")).then_types(ImageFailed)
    assert failed.state.status == "error"
    assert failed.when(STORE).then_types(ImageStored).state.status == "pending"
    imported().when(STORE).then_types(ImageStored).when(image.FailImage(IMAGE, "404.")).then_nothing()


def test_a_caption_is_reviewed_and_posted() -> None:
    scored = captioned().when(image.NoteScore(IMAGE, 84, False)).then_types(ImageScored)
    assert scored.state.status == "pending"
    approved = scored.when(APPROVE)
    approved.then(
        ImageReviewed(
            image_id=IMAGE,
            user_id=USER,
            post_id=POST,
            status="approved",
            decision="approve",
            final_caption="A red door.",
            reviewer_id=REVIEWER,
            reviewed_at=NOW,
        )
    )
    failed = approved.then_types(ImageReviewed).when(image.NotePostFailed(IMAGE, "Away.")).then_types(ImagePostFailed)
    assert failed.state.status == "error"
    assert failed.when(image.NotePosted(IMAGE, NOW)).then_types(ImagePosted).state.status == "posted"


def test_a_reviewers_own_words_count_and_a_rejected_caption_is_no_final_one() -> None:
    edited = captioned().when(replace(APPROVE, caption="A green door."))
    assert [event.final_caption for event in edited.events] == ["A green door."]  # type: ignore[attr-defined]
    rejected = captioned().when(replace(APPROVE, decision="reject", caption="A green door."))
    assert [(event.status, event.final_caption) for event in rejected.events] == [("rejected", None)]  # type: ignore[attr-defined]
    imported().when(APPROVE).then_nothing()


def test_a_new_caption_waits_for_its_review_even_while_the_old_one_is_posted() -> None:
    again = (
        captioned()
        .when(APPROVE)
        .then_types(ImageReviewed)
        .when(replace(CAPTION, caption="New."))
        .then_types(ImageCaptioned)
    )
    assert again.state.status == "pending"
    assert again.when(image.NotePosted(IMAGE, NOW)).then_types(ImagePosted).state.status == "pending"


@pytest.mark.parametrize(
    "late",
    [CAPTION, APPROVE, image.NoteScore(IMAGE, 1, True), image.NotePosted(IMAGE, NOW), image.FailImage(IMAGE, "")],
)
def test_what_arrives_about_an_image_that_is_gone_changes_nothing(late: Any) -> None:
    deciding(image.decider).when(late).then_nothing()
    captioned().when(image.DeleteImage(IMAGE)).then_types(ImageDeleted).when(late).then_nothing()


def test_a_post_is_kept_once_until_it_is_dropped() -> None:
    keep = kept_post.KeepPost(POST, USER, *PLACE, "110", "ada", "https://m.example/110", "Look")
    kept = deciding(kept_post.decider).when(keep).then_types(PlatformPostKept)
    kept.when(keep).then_nothing()
    dropped = kept.when(kept_post.DropPost(POST))
    dropped.then(PlatformPostDropped(post_id=POST, user_id=USER))
    dropped.then_types(PlatformPostDropped).when(keep).then_nothing()
    deciding(kept_post.decider).when(kept_post.DropPost(POST)).then_nothing()


def test_a_file_of_a_post_is_fetched_once_and_goes_with_it() -> None:
    url = "https://i.example/a.png"
    store = media_file.StoreMediaFile(IMAGE, POST, USER, url, "image/png", 3, "u/media/1.png", "aa", 12)
    fail = media_file.FailMediaFile(IMAGE, POST, USER, url, "404.")
    stored = deciding(media_file.decider).when(store).then_types(MediaFileStored)
    stored.when(store).then_nothing()
    stored.when(fail).then_nothing()
    dropped = stored.when(media_file.DropMediaFile(IMAGE))
    dropped.then(MediaFileDeleted(media_file_id=IMAGE, post_id=POST, user_id=USER, path="u/media/1.png"))
    dropped.then_types(MediaFileDeleted).when(store).then_nothing()
    failed = deciding(media_file.decider).when(fail).then_types(MediaFileFailed)
    failed.when(media_file.DropMediaFile(IMAGE)).then_nothing()


def test_a_resource_goes_with_its_user() -> None:
    add = resource.AddResource(IMAGE, USER, "reference", "Facts.")
    given = deciding(resource.decider).given(*deciding(resource.decider).when(add).events)
    given.when(resource.DiscardResource(IMAGE)).then(ResourceRemoved(resource_id=IMAGE, user_id=USER))
    deciding(resource.decider).when(resource.DiscardResource(IMAGE)).then_nothing()
