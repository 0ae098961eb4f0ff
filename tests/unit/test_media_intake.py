"""What is made of names and types that senders give, and how long somebody waits for a text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contracts.events.media import TextExtracted
from services.media.api.contents import ending_of
from services.media.extraction import SUPPORTED
from services.media.intake import MAX_NAME, Limits, receive
from services.media.paths import bytes_path
from services.media.waiting import Outcomes
from shared.http.problem import Problem
from shared.ids import new_id

TEXT = b"A bridge sings when the wind is right."
LIMITS = Limits(file=1000, audio=500, video=700)
MP3, AVI = b"ID3\x04\0\0\0\0\0", b"RIFF\x10\0\0\0AVI LIST\0\0"


@pytest.mark.parametrize(
    ("start", "size", "said"),
    [
        (MP3, 501, "Send sound of at most 500 bytes"),
        (AVI, 701, "Send a video of at most 700 bytes"),
        (TEXT, 1001, "Send a file of at most 1,000 bytes"),
    ],
)
async def test_each_kind_has_a_limit_of_its_own(start: bytes, size: int, said: str) -> None:
    whole = start + b"." * (size - len(start))
    with pytest.raises(Problem, match=said) as refused:
        await receive(whole, "a", None, limits=LIMITS)
    assert (refused.value.status, refused.value.extra["max_bytes"]) == (413, size - 1)
    assert (await receive(whole[:-1], "a", None, limits=LIMITS)).data == whole[:-1]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("song.md", "song.md"),
        ("../../etc/song.md", "song.md"),
        ("C:\\Users\\ada\\song.md", "song.md"),
        ("so\0ng\r\n.md", "song .md"),
        ("노래.md", "노래.md"),
        ("", "file.txt"),
        (None, "file.txt"),
        ("..", ".."),
        ("s" * 300 + ".md", "s" * (MAX_NAME - 3) + ".md"),
    ],
)
async def test_a_name_is_kept_without_folders_and_unprintable_characters(sent: str | None, kept: str) -> None:
    assert (await receive(TEXT, sent, None, limits=LIMITS)).name == kept


@pytest.mark.parametrize(
    ("declared", "mime_type"),
    [
        ("text/plain; charset=EUC-KR", "text/plain; charset=euc-kr"),
        ("text/html", "text/plain"),
        ('text/plain; charset="a b"', "text/plain"),
        ("text/plain; charset=x\r\nSet-Cookie: a", "text/plain"),
        (None, "text/plain"),
    ],
)
async def test_of_a_declared_type_only_a_sensible_charset_is_believed(declared: str | None, mime_type: str) -> None:
    assert (await receive(TEXT, "song.txt", declared, limits=LIMITS)).mime_type == mime_type


@given(data=some.binary(max_size=200), name=some.none() | some.text(), declared=some.none() | some.text())
async def test_whatever_is_sent_is_either_fit_to_be_kept_or_refused_with_a_sentence(
    data: bytes, name: str | None, declared: str | None
) -> None:
    try:
        received = await receive(data, name, declared, limits=Limits(150, 100, 120))
    except Problem as refused:
        problem = refused
    else:
        assert received.kind in SUPPORTED
        assert received.name
        assert received.name.isprintable()
        assert len(received.name) <= MAX_NAME
        assert received.mime_type.isascii()
        assert bytes_path(new_id(), None, new_id(), received.kind)
        return
    assert problem.status in (413, 415, 422)
    assert problem.detail.endswith(".")


class Told:
    """A committed unit, as a listener sees it."""

    def __init__(self, *events: Any) -> None:
        self.events = events


def extracted(file_id: Any) -> TextExtracted:
    return TextExtracted(
        file_id=file_id, user_id=new_id(), title="", language="en", characters=1, text_path="t", sha256="0" * 64
    )


async def test_a_text_that_is_read_here_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.media.waiting.LOOK_AGAIN", 60.0)
    outcomes, file_id, looks = Outcomes(), new_id(), 0
    there = False

    async def look() -> bool:
        nonlocal looks
        looks += 1
        return there

    waiting = asyncio.create_task(outcomes.until(file_id, look, bool, 60))
    while not looks:  # noqa: ASYNC110 (until the first look is over)
        await asyncio.sleep(0)
    there = True
    outcomes.heard(Told(extracted(new_id())))  # type: ignore[arg-type]
    outcomes.heard(Told(extracted(file_id)))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        assert await waiting
    assert looks == 2


async def test_a_text_that_is_read_elsewhere_is_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.media.waiting.LOOK_AGAIN", 0.01)
    answers = iter([False, False, True])

    async def look() -> bool:
        return next(answers)

    assert await Outcomes().until(new_id(), look, bool, 60)


async def test_nobody_waits_longer_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.media.waiting.LOOK_AGAIN", 60.0)

    async def look() -> bool:
        return False

    async with asyncio.timeout(30):
        assert not await Outcomes().until(new_id(), look, bool, 0.02)


@pytest.mark.parametrize(
    ("row", "ending"),
    [
        ({"kind": "files", "name": "so:ng?.md"}, "-so_ng_.md"),
        ({"kind": "files", "name": ".."}, "-.."),
        ({"kind": "images", "mime_type": "image/jpeg"}, ".jpg"),
        ({"kind": "images", "mime_type": None}, ""),
        ({"kind": "media_files", "path": "ada/media/7.webp"}, ".webp"),
    ],
)
def test_what_an_archive_calls_a_content_leads_nowhere_else(row: dict[str, Any], ending: str) -> None:
    assert ending_of(row) == ending
