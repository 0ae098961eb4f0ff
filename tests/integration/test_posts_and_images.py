"""Posts collected and taken down, posts imported and their images described: publishing and media together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from contracts.events.auth import UserErased
from contracts.events.evaluation import CaptionEvaluated
from contracts.events.generation import CaptionGenerated, DraftErased, PostSummarised
from contracts.events.workflow import CaptionReviewed
from shared.ids import new_id
from shared.roles import Role
from tests.integration.desk import Someone, until
from tests.integration.posts_desk import House, house
from tests.rebuilding import assert_rebuild_equals_live, rows_of
from tests.row_security import assert_row_security
from tests.sandbox.elsewhere import PNG

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)
PUBLISHING = (
    *("publishing_jobs", "platform_connections", "draft_texts", "posts", "processing_logs"),
    *("slots", "webhooks"),
)
IMPORTS = ("imported_posts", "imported_images")
LOGS = ("webhook_deliveries",)  # no event tells of them
MEDIA = ("files", "resources", "posts", "images", "media_files")


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("storage")) as running:
        yield running


@pytest.fixture
def ada(at: House) -> Someone:
    return at.desk.someone()


async def describe(at: House, user: Someone, image_id: str, caption: str, *, score: int = 84) -> None:
    """An engine writes a caption, and a judge scores it."""
    key = UUID(image_id)
    event = CaptionGenerated(image_id=key, user_id=user.user_id, caption=caption, category="photo", engine="offline")
    await at.happens(event, key=key)
    await at.image(user, image_id, generated_caption=caption)
    verdict_id = new_id()
    verdict = CaptionEvaluated(
        caption_evaluation_id=verdict_id,
        image_id=key,
        user_id=user.user_id,
        score=score,
        level="good" if score >= 70 else "fair",
        needs_special_review=score < 70,
        feedback="Nothing to change was found.",
    )
    await at.happens(verdict, key=verdict_id)
    await at.image(user, image_id, caption_quality_score=score)


async def review(at: House, user: Someone, image_id: str, decision: str, **more: Any) -> None:
    key = UUID(image_id)
    event = CaptionReviewed(
        image_id=key,
        user_id=user.user_id,
        reviewer_id=user.user_id,
        decision=decision,  # type: ignore[arg-type]
        reviewed_at=AT,
        **more,
    )
    await at.happens(event, key=key)


async def summarise(at: House, user: Someone, post_id: str) -> None:
    event = PostSummarised(
        post_id=UUID(post_id),
        user_id=user.user_id,
        summary_ko="퇴비 더미가 차갑다.",
        tags=("compost", "soil"),
        pain_points=({"description": "The heap stays <cold>.", "severity": "high"},),
        product_ideas=({"title": "A thermometer"},),
        content_hash="aa",
        engine="offline",
    )
    await at.happens(event, key=new_id())


async def test_a_post_is_imported_its_image_described_and_the_caption_put_on_the_platform(
    at: House, ada: Someone
) -> None:
    account = await at.connect(ada)
    tested = await ada.post("publishing", f"/api/v1/connections/{account['id']}/test", None)
    assert tested.body == {"ok": True, "username": "ada", "error_class": None, "detail": None}
    post = await at.imported(ada, account["id"], "110", "a.png", "b.png")
    first, second = post["image_ids"]
    await at.image(ada, first, size_bytes=len(PNG), status="pending")
    await describe(at, ada, first, "A red door.")
    queue = (await ada.get("media", "/api/v1/images/review")).body["items"]
    assert [image["id"] for image in queue] == [first]
    await review(at, ada, first, "approve")
    shown = await at.image(ada, first, status="posted")
    assert (shown["final_caption"], shown["reviewed_caption"], shown["post_content"]) == (
        "A red door.",
        None,
        "Look at this door",
    )
    used = (await ada.get("publishing", f"/api/v1/connections/{account['id']}")).body["last_used"]
    assert used is not None
    # The edit of one image leaves the other on the post.
    assert at.elsewhere.descriptions("110") == ["A red door.", ""]
    await at.image(ada, second, size_bytes=len(PNG))
    await describe(at, ada, second, "A door.", score=40)
    await review(at, ada, second, "reject", notes="Which door?")
    assert (await at.image(ada, second, status="rejected"))["reviewer_notes"] == "Which door?"
    assert at.elsewhere.descriptions("110") == ["A red door.", ""]
    for query, expected in (
        ({"status": "posted"}, {first}),
        ({"max_score": 69}, {second}),
        ({"needs_special_review": "true"}, {second}),
        ({"platform": "pixelfed"}, set[str]()),
        ({"since": "2090-01-01T00:00:00Z"}, set[str]()),
        ({"until": "2090-01-01T00:00:00Z", "post_id": post["id"], "connection_id": account["id"]}, {first, second}),
    ):
        found = (await ada.get("media", "/api/v1/images", **query)).body["items"]
        assert {image["id"] for image in found} == expected, query


async def test_what_is_secret_of_a_connection_is_kept_encrypted_and_never_given_back(at: House, ada: Someone) -> None:
    account = await at.connect(ada, client_key="the-key", client_secret="the-secret", username="ada")
    kit = at.publishing
    row = await kit.database.pool.fetchrow("SELECT * FROM platform_connections WHERE id = $1", UUID(account["id"]))
    opened = [kit.store.cipher.decrypt(row[name].encode()).decode() for name in ("client_key", "client_secret")]
    assert opened == ["the-key", "the-secret"]
    stored = await kit.database.pool.fetchrow(
        "SELECT data::text, private FROM events WHERE type = 'ConnectionAdded' AND data->>'connection_id' = $1",
        account["id"],
    )
    everything = str(account) + str(dict(row)) + stored["data"] + stored["private"].decode("latin-1")
    assert "the-key" not in everything
    assert "the-secret" not in everything
    twin = {"platform": "mastodon", "name": "Twin", "access_token": "t", "instance_url": at.url, "username": "ada"}
    for wrong, status in (
        (twin, 409),
        (twin | {"username": "eve", "client_key": "two words"}, 422),
        (twin | {"username": "eve", "client_secret": ""}, 422),
    ):
        refused = await ada.post("publishing", "/api/v1/connections", wrong)
        assert refused.status == status, refused.body
    path = f"/api/v1/connections/{account['id']}"
    for wish, status in (({"name": ""}, 422), ({"is_default": False}, 422), ({"client_key": "t"}, 422), ({}, 200)):
        assert (await ada.patch("publishing", path, wish)).status == status, wish
    assert (await at.desk.someone().patch("publishing", path, {"name": "Mine"})).status == 404


async def test_an_image_that_cannot_be_fetched_is_sent_instead(at: House, ada: Someone) -> None:
    account = await at.connect(ada)
    post = await at.imported(ada, account["id"], "111", "missing.png", "page.png")
    missing, page = post["image_ids"]
    assert "404" in (await at.image(ada, missing, status="error"))["processing_error"]
    assert "no PNG" in (await at.image(ada, page, status="error"))["processing_error"]
    path = f"/api/v1/images/{missing}/bytes"
    assert (await ada.get("media", path)).status == 404
    for data, status in ((b"<html>", 415), (b"", 415), (b"%PDF-1.7 ...", 415)):
        assert (await ada.put("media", path, data)).status == status
    assert (await at.desk.someone().put("media", path, PNG)).status == 404
    sent = await ada.put("media", path, PNG)
    assert (sent.status, sent.body["status"], sent.body["media_type"]) == (200, "pending", "image/png")
    assert sent.body["processing_error"] is None
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with ada.http.get(ada.urls["media"] + path, headers=headers) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PNG)


async def test_a_caption_that_the_platform_does_not_take_says_why(at: House, ada: Someone) -> None:
    account = await at.connect(ada)
    (image,) = (await at.imported(ada, account["id"], "112", "a.png"))["image_ids"]
    await at.image(ada, image, size_bytes=len(PNG))
    await describe(at, ada, image, "A door.")
    off = await ada.patch("publishing", f"/api/v1/connections/{account['id']}", {"is_active": False})
    assert (off.status, off.body["is_active"], off.body["is_default"]) == (200, False, False)
    await review(at, ada, image, "approve", caption="A blue door.")
    failed = await at.image(ada, image, status="error")
    assert "Activate it" in failed["processing_error"]
    on = await ada.patch("publishing", f"/api/v1/connections/{account['id']}", {"is_active": True, "name": "Doors"})
    assert (on.body["is_active"], on.body["is_default"], on.body["name"]) == (True, True, "Doors")
    await review(at, ada, image, "approve", caption="A blue door.")
    await at.image(ada, image, status="posted", final_caption="A blue door.")
    assert at.elsewhere.descriptions("112") == ["A blue door."]


async def test_what_makes_no_sense_is_not_imported(at: House, ada: Someone) -> None:
    account = await at.connect(ada)
    await at.imported(ada, account["id"], "113", "a.png")
    body = {
        "connection_id": account["id"],
        "platform_post_id": "114",
        "author": "ada",
        "url": "https://m.example/114",
        "images": [],
    }
    taken = {"url": "https://m.example/a.png", "image_post_id": "113-a.png"}
    for wrong, status in (
        ({"images": [taken]}, 409),
        ({"images": [taken | {"image_post_id": "x"}] * 2}, 422),
        ({"connection_id": str(new_id())}, 404),
        ({"url": "ftp://m.example"}, 422),
        ({"url": "javascript:alert(1)"}, 422),
        ({"author": ""}, 422),
        ({"platform_post_id": "two words"}, 422),
        ({"images": [{"url": "https://m.example/a.png"}] * 21}, 422),
        ({"extra": 1}, 422),
    ):
        refused = await ada.post("publishing", "/api/v1/platform-posts", body | wrong)
        assert refused.status == status, (wrong, refused.body)
    assert (await at.desk.someone().post("publishing", "/api/v1/platform-posts", body)).status == 404
    twitter = {"platform": "x", "name": "X", "access_token": "t"}
    x = await ada.post("publishing", "/api/v1/connections", twitter)
    assert (
        await ada.post("publishing", "/api/v1/platform-posts", body | {"connection_id": x.body["id"]})
    ).status == 422
    for address in (None, "mastodon.social", "https://user@m.example", "https://m.example/path", "ftp://m.example"):
        odd = twitter | {"platform": "mastodon", "name": "Odd", "instance_url": address}
        assert (await ada.post("publishing", "/api/v1/connections", odd)).status == 422, address
    assert len((await ada.get("publishing", "/api/v1/platform-posts")).body["items"]) == 1


async def test_a_removed_post_takes_its_images_and_their_bytes_along(at: House, ada: Someone) -> None:
    account = await at.connect(ada)
    post = await at.imported(ada, account["id"], "115", "a.png")
    other = await at.imported(ada, account["id"], "116", "a.png")
    for image in (*post["image_ids"], *other["image_ids"]):
        await at.image(ada, image, size_bytes=len(PNG))
    folder = at.storage / str(ada.user_id) / "images"
    assert len(list(folder.iterdir())) == 2
    assert (await ada.delete("publishing", f"/api/v1/platform-posts/{post['id']}")).status == 204
    assert (await ada.delete("publishing", f"/api/v1/connections/{account['id']}")).status == 204

    async def gone() -> bool | None:
        left = (await ada.get("media", "/api/v1/images")).body["items"]
        return (not left and not list(folder.iterdir())) or None

    await until(gone)
    assert (await ada.get("publishing", "/api/v1/platform-posts")).body["items"] == []


async def test_a_collected_post_is_summarised_published_and_taken_down(at: House, ada: Someone) -> None:
    post = await at.collected(ada, "1abc", "a.png", "missing.png")
    again = await at.collected(ada, "1abc", "a.png", "missing.png")
    assert again["id"] == post["id"]
    await summarise(at, ada, post["id"])
    shown = await at.post(ada, post["id"], content_hash="aa")
    assert (shown["summary_ko"], shown["tags"]) == ("퇴비 더미가 차갑다.", ["compost", "soil"])
    asked = await ada.post("publishing", f"/api/v1/posts/{post['id']}/publish", None)
    assert asked.status == 202
    assert asked.body["publication_status"] in ("requested", "published")  # whoever publishes it may be quick
    published = await at.post(ada, post["id"], publication_status="published")
    article = at.elsewhere.articles[published["ghost_post_id"]]
    assert (article["status"], published["ghost_url"]) == ("published", article["url"])
    order = [
        article["html"].index(part) for part in ("퇴비", "Pain points", "Product ideas", "Original post", "Posted in")
    ]
    assert order == sorted(order)
    assert "stays &lt;cold&gt;." in article["html"]

    async def files() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = (await ada.get("media", "/api/v1/media-files", post_id=post["id"])).body["items"]
        return found or None

    (file,) = await until(files)
    assert (file["file_type"], file["file_size"]) == ("image/png", len(PNG))

    at.elsewhere.ghost_is_away = True
    reason = {"reason": "The author asks for it."}
    down = await ada.post("publishing", f"/api/v1/posts/{post['id']}/takedown", reason)
    assert (down.status, down.body["takedown_status"], down.body["unpublished_at"]) == (202, "takedown_pending", None)
    refused = await ada.post("publishing", f"/api/v1/posts/{post['id']}/publish", None)
    assert refused.status == 409
    pool = at.publishing.database.pool
    failing = "SELECT last_error FROM tasks WHERE kind = 'ghost_hide' AND last_error IS NOT NULL"
    await until(lambda: pool.fetchval(failing))
    assert article["status"] == "published"
    at.elsewhere.ghost_is_away = False
    await at.due(at.publishing, "ghost_hide")
    hidden = await until(lambda: _hidden(at, ada, post["id"]))
    assert (article["status"], hidden["takedown_status"]) == ("draft", "takedown_pending")
    waits = await pool.fetchval("SELECT due_at - now() > interval '71 hours' FROM tasks WHERE kind = 'ghost_remove'")
    assert waits is True
    await at.due(at.publishing, "ghost_remove")
    removed = await at.post(ada, post["id"], takedown_status="removed")
    assert published["ghost_post_id"] not in at.elsewhere.articles
    assert (removed["summary_ko"], removed["ghost_url"], removed["tags"]) == (None, None, None)

    async def files_gone() -> bool | None:
        left = (await ada.get("media", "/api/v1/media-files", post_id=post["id"])).body["items"]
        return (not left and not list((at.storage / str(ada.user_id) / "media").iterdir())) or None

    await until(files_gone)
    logs = (await ada.get("publishing", f"/api/v1/posts/{post['id']}/logs")).body["items"]
    assert {(log["service_name"], log["status"]) for log in logs} == {
        ("collector", "completed"),
        ("media", "completed"),
        ("media", "failed"),
        ("generation", "completed"),
        ("publisher", "completed"),
        ("takedown", "requested"),
        ("takedown", "unpublished"),
        ("takedown", "removed"),
    }
    collected_again = await ada.post("publishing", "/api/v1/posts", _new("1abc"))
    assert (collected_again.status, collected_again.body["current"]) == (409, "removed")


async def _hidden(at: House, user: Someone, post_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] = (await user.get("publishing", f"/api/v1/posts/{post_id}")).body
    return found if found["unpublished_at"] else None


def _new(reddit_id: str, **more: Any) -> dict[str, Any]:
    return {
        "reddit_post_id": reddit_id,
        "title": "Cold",
        "subreddit": "composting",
        "created_ts": "2026-03-01T08:00:00Z",
        "url": "https://www.reddit.com/r/composting/",
        **more,
    }


async def test_a_moderator_takes_down_what_a_viewer_cannot_see(at: House, ada: Someone) -> None:
    post = await at.collected(ada, "2abc")
    path = f"/api/v1/posts/{post['id']}"
    for role, status in (("viewer", 404), ("reviewer", 404), ("moderator", 200), ("admin", 200)):
        assert (await at.desk.someone(role).get("publishing", path)).status == status, role
    reason = {"reason": "It shows a face."}
    assert (await at.desk.someone().post("publishing", f"{path}/takedown", reason)).status == 404
    moderator = at.desk.someone("moderator")
    taken = await moderator.post("publishing", f"{path}/takedown", reason)
    assert (taken.status, taken.body["takedown_reason"]) == (202, "It shows a face.")
    await until(lambda: _hidden(at, ada, post["id"]))  # it never stood on Ghost
    assert (await moderator.post("publishing", f"{path}/publish", None)).status == 404


async def test_what_makes_no_sense_is_not_collected(at: House, ada: Someone) -> None:
    await at.collected(at.desk.someone(), "3abc")
    for wrong, status in (
        (_new("3abc"), 409),
        (_new("t3_3abc"), 409),
        (_new("3 abc"), 422),
        (_new("3ABC"), 422),
        (_new("4abc", subreddit="r/soil"), 422),
        (_new("4abc", title=" "), 422),
        (_new("4abc", created_ts="2026-03-01T08:00:00"), 422),
        (_new("4abc", score=2**31), 422),
        (_new("4abc", media=["file:///etc/passwd"]), 422),
        (_new("4abc", tags=[]), 422),
    ):
        refused = await ada.post("publishing", "/api/v1/posts", wrong)
        assert refused.status == status, (wrong, refused.body)
    nobodys = f"/api/v1/posts/{new_id()}"
    for path, body in (("/takedown", {"reason": "x"}), ("/publish", None)):
        assert (await ada.post("publishing", nobodys + path, body)).status == 404
    mine = await at.collected(ada, "5abc")
    empty = await ada.post("publishing", f"/api/v1/posts/{mine['id']}/takedown", {"reason": ""})
    assert empty.status == 422


async def _fill(at: House, user: Someone, reddit_id: str) -> None:
    """A row of this user's in every table of publishing and media, through the services."""
    account = await at.connect(user)
    listening = await user.post("publishing", "/api/v1/webhooks", {"url": f"{at.url}/hooks"})
    assert listening.status == 201, listening.body
    (image,) = (await at.imported(user, account["id"], f"7{reddit_id}", "a.png"))["image_ids"]
    await at.image(user, image, size_bytes=len(PNG))
    await describe(at, user, image, "A door.")
    slot = {"platform": "blog", "weekdays": [1], "local_time": "09:00", "time_zone": "UTC"}
    assert (await user.post("publishing", "/api/v1/slots", slot)).status == 201
    post = await at.collected(user, reddit_id, "a.png")
    await summarise(at, user, post["id"])
    await user.post("media", "/api/v1/resources", {"type": "reference", "content": "Facts."})
    workflow_id = await user.start("Bread rises overnight, and loaves are eaten by noon. " * 3, platforms=["blog"])
    await user.states(workflow_id, "awaiting_review")
    decisions = [{"platform": "blog", "action": "accept", "publish": {"scheduled_for": "2090-01-01T00:00:00Z"}}]
    reviewed = await user.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": decisions})
    assert reviewed.status == 200, reviewed.body
    headers = {"Authorization": f"Bearer {user.token}"}
    form = aiohttp.FormData()
    form.add_field("file", b"# Facts\n\nBread rises.", filename="facts.md")
    async with user.http.post(user.urls["media"] + "/api/v1/files", data=form, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    await _until_rows(at, user, "publishing", (*PUBLISHING, *IMPORTS), there=True)
    await _until_rows(at, user, "media", MEDIA, there=True)
    await at.post(user, post["id"], content_hash="aa")
    for kit in (at.publishing, at.media):
        await at.quiet(kit)


async def _until_rows(at: House, user: Someone, service: str, tables: Sequence[str], *, there: bool) -> None:
    pool = at.desk.kits[service].database.pool

    async def look() -> bool | None:
        for table in tables:
            count = await pool.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", user.user_id)
            if bool(count) != there:
                return None
        return True

    await until(look)


async def test_roles_see_what_they_may_in_every_table(at: House, ada: Someone) -> None:
    bob = at.desk.someone()
    await _fill(at, ada, "6abc")
    await _fill(at, bob, "7abc")
    tables = [("publishing", table) for table in (*PUBLISHING, *IMPORTS, *LOGS)] + [("media", table) for table in MEDIA]
    for service, table in tables:
        reads: Role = "moderator"
        if table in ("platform_connections", "slots", "webhooks", "webhook_deliveries"):
            reads = "admin"
        if table == "images":  # theirs await a decision
            reads = "reviewer"
        changes: Role | None = "moderator" if (service, table) == ("publishing", "posts") else None
        dsn = at.desk.kits[service].settings.database_url
        await assert_row_security(
            dsn, table, mine=ada.user_id, theirs=bob.user_id, staff_reads=reads, staff_updates=changes
        )
    queue = await at.desk.someone("reviewer").get("media", "/api/v1/images/review")
    assert {ada.user_id, bob.user_id} <= {UUID(image["user_id"]) for image in queue.body["items"]}
    (waiting,) = (await ada.get("media", "/api/v1/images")).body["items"]
    await review(at, ada, waiting["id"], "reject")
    await at.image(ada, waiting["id"], status="rejected")
    assert (await at.desk.someone("reviewer").get("media", f"/api/v1/images/{waiting['id']}")).status == 404
    assert (await at.desk.someone("moderator").get("media", f"/api/v1/images/{waiting['id']}")).status == 200


async def test_an_erased_user_leaves_no_row_and_no_bytes(at: House, ada: Someone) -> None:
    bob = at.desk.someone()
    await _fill(at, ada, "8abc")
    await _fill(at, bob, "9abc")
    post = (await ada.get("publishing", "/api/v1/posts")).body["items"][0]
    await ada.post("publishing", f"/api/v1/posts/{post['id']}/publish", None)
    await at.post(ada, post["id"], publication_status="published")
    standing = len(at.elsewhere.articles)
    for kit in (at.publishing, at.media):
        await at.hears(kit, UserErased(user_id=ada.user_id), key=ada.user_id)
    texts = "SELECT draft_id FROM draft_texts WHERE user_id = $1"
    for row in await at.publishing.database.pool.fetch(texts, ada.user_id):
        await at.happens(DraftErased(draft_id=row["draft_id"], user_id=ada.user_id), key=row["draft_id"])
    await _until_rows(at, ada, "publishing", (*PUBLISHING, *IMPORTS, *LOGS), there=False)
    await _until_rows(at, ada, "media", MEDIA, there=False)
    folder = at.storage / str(ada.user_id)

    async def cleared() -> bool | None:
        there = [path for path in folder.rglob("*") if path.is_file()]
        return (not there and len(at.elsewhere.articles) == standing - 1) or None

    await until(cleared)
    await _until_rows(at, bob, "publishing", (*PUBLISHING, *IMPORTS), there=True)
    await _until_rows(at, bob, "media", MEDIA, there=True)
    assert any(path.is_file() for path in (at.storage / str(bob.user_id)).rglob("*"))


@pytest.mark.parametrize("service", ["publishing", "media"])
async def test_every_table_is_filled_and_rebuilt_as_it_was(at: House, ada: Someone, service: str) -> None:
    await _fill(at, ada, f"10{service[:5]}")
    kit = at.desk.kits[service]
    done = await assert_rebuild_equals_live(kit, at.desk.admin_dsn)
    tables = (*PUBLISHING, *IMPORTS) if service == "publishing" else MEDIA
    assert set(done.tables) == set(tables)
    rows = await rows_of(at.desk.admin_dsn, service, tables)
    assert all(rows.values()), {table: len(found) for table, found in rows.items()}
