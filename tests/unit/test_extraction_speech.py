"""Speech: what is said in a file becomes its text where the extra is installed, and a sentence where it is not."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import numpy as np
import pytest

from services.media.extraction import Empty, Extracted, ExtractionError, Unreadable, extract_async
from services.media.extraction.speech import PART, RATE, Hearing, parts
from tests.conftest import absent
from tests.servers import speech

SAMPLES = Path(__file__).parents[1] / "samples"
MP3, MP4, SILENT = ((SAMPLES / name).read_bytes() for name in ("speech.mp3", "speech.mp4", "silent.mp4"))


def silence(seconds: int) -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * seconds))
    return kept.getvalue()


@pytest.fixture(scope="module")
def extra() -> Hearing:
    try:
        return Hearing(speech.packages())
    except RuntimeError as error:
        absent(f"The speech extra cannot be installed here: {error}")


async def test_what_is_said_becomes_the_text(extra: Hearing) -> None:
    sound, film = await asyncio.gather(
        extract_async(MP3, "audio/mpeg", "rainy_days.mp3", timeout=300, hearing=extra),
        extract_async(MP4, "video/mp4", timeout=300, hearing=extra),
    )
    assert (sound.title, sound.language, sound.mime_type) == ("rainy days", "en", "audio/mpeg")
    assert "more bread on rainy days" in sound.text
    assert isinstance(film, Extracted)
    assert "on rainy days" in film.text


async def test_what_cannot_be_heard_is_said_why(extra: Hearing) -> None:
    async def refused(data: bytes, mime: str, hearing: Hearing = extra) -> ExtractionError:
        with pytest.raises(ExtractionError) as error:
            await extract_async(data, mime, timeout=300, hearing=hearing)
        return error.value

    mute, silent, broken, long, no_model = await asyncio.gather(
        refused(SILENT, "video/mp4"),
        refused(silence(3), "audio/x-wav"),
        refused(MP4[:700], "video/mp4"),
        refused(silence(90), "audio/x-wav", Hearing(extra.packages, minutes=1)),
        refused(MP3, "audio/mpeg", Hearing(extra.packages, model=Path("/nowhere"))),
    )
    assert isinstance(mute, Empty)
    assert "has no sound" in str(mute)
    assert isinstance(silent, Empty)
    assert "Nobody was heard" in str(silent)
    assert "Export it as mp3 or mp4 again" in str(broken)
    assert "lasts 2 minutes; at most 1 are read" in str(long)
    assert "model" in str(no_model)


def test_long_sound_is_cut_into_parts_where_it_is_quietest() -> None:
    sound = np.ones(RATE * (PART + 100), dtype=np.float32)
    quiet = RATE * (PART - 7)
    sound[quiet - RATE // 2 : quiet + RATE // 2] = 0
    (first, one), (second, other) = parts(sound)
    assert (first, len(one) + len(other)) == (0, len(sound))
    assert abs(second - (PART - 7)) <= 0.5
    assert [len(part) for _, part in parts(sound[: RATE * PART])] == [RATE * PART]


async def test_without_the_extra_the_reason_says_how_to_enable_it() -> None:
    with pytest.raises(Unreadable, match="whoever runs it enables that with `make speech`"):
        await extract_async(MP3, "audio/mpeg", hearing=Hearing(Path("/nowhere")))
