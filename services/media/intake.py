"""Looking at what was sent before it is kept: what kind of file it really is, and what it is called."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from email.message import Message

from services.media.extraction import sniff
from services.media.extraction.document import one_line
from services.media.extraction.sniffing import AUDIO, DOCX, NOTHING, PDF, UNKNOWN, VIDEO
from services.media.paths import EXTENSIONS
from shared.http.problem import Problem

MAX_NAME = 255
_CLAIMS = ((".pdf", PDF, "PDF"), (".docx", DOCX, "Word document (docx)"))
_CHARSET = re.compile(r"[A-Za-z0-9][\w.:\-]{0,39}")


@dataclass(frozen=True, slots=True)
class Received:
    """A file fit to be kept. `kind` is the bare media type, `mime_type` may name a charset too."""

    name: str
    kind: str
    mime_type: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of a file, by what it is; images count as files."""

    file: int
    audio: int
    video: int

    @property
    def most(self) -> int:
        """Beyond this there is no need to look what it is."""
        return max(self.file, self.audio, self.video)


async def receive(data: bytes, name: str | None, declared: str | None, *, limits: Limits) -> Received:
    """The file behind some bytes; `declared` is the sender's Content-Type, of which only a charset is believed.

    Raises Problem: 413 (too large), 415 (a kind that is not accepted), 422 (empty, or not what it is called).
    """
    if len(data) > limits.most:
        raise _too_large("a file", limits.most)
    clean = _clean(name)
    # A large archive takes a while to look into, and a large file to hash.
    kind, sha256 = await asyncio.to_thread(_examine, data, clean)
    _refuse(kind, clean, declared)
    if len(data) > (most := _most(kind, limits)):
        raise _too_large("sound" if kind in AUDIO else "a video" if kind in VIDEO else "a file of this kind", most)
    return Received(clean or f"file.{EXTENSIONS[kind]}", kind, _with_charset(kind, declared), data, sha256)


def _examine(data: bytes, name: str) -> tuple[str, str]:
    blank = not data.strip(b"\0 \t\r\n\f")
    return NOTHING if blank else sniff(data, name), hashlib.sha256(data).hexdigest()


def _most(kind: str, limits: Limits) -> int:
    return limits.audio if kind in AUDIO else limits.video if kind in VIDEO else limits.file


def _too_large(what: str, most: int) -> Problem:
    detail = f"Send {what} of at most {most:,} bytes; shorten it, or split it."
    return Problem(413, "body-too-large", "File too large", detail, max_bytes=most)


def _refuse(kind: str, name: str, declared: str | None) -> None:
    if kind == NOTHING:
        raise Problem(422, "empty-file", "Empty file", "The file is empty; send one with something in it.")
    for suffix, claimed, title in _CLAIMS:
        if kind != claimed and (name.lower().endswith(suffix) or _parsed(declared)[0] == claimed):
            detail = f"The file is sent as {suffix[1:]} but is no {title}; export it again, or send it as what it is."
            raise Problem(422, "not-what-it-claims", "Not what it claims to be", detail, found=kind)
    if kind not in EXTENSIONS:
        accepted = sorted(EXTENSIONS.values())
        found = "a file of unknown kind" if kind == UNKNOWN else kind
        detail = f"This is {found}, which is not accepted; send one of {', '.join(accepted)}."
        raise Problem(415, "unsupported-media-type", "Unsupported media type", detail, found=kind, accepted=accepted)


def _clean(name: str | None) -> str:
    """The name without folders and without characters that cannot be shown, at most 255 long with its suffix kept."""
    line = one_line(re.split(r"[/\\]", name or "")[-1])
    line = line.encode(errors="ignore").decode()  # half a surrogate pair can be stored nowhere
    if len(line) <= MAX_NAME:
        return line
    stem, dot, suffix = line.rpartition(".")
    return line[:MAX_NAME] if not dot or len(suffix) > 10 else f"{stem[: MAX_NAME - len(suffix) - 1]}.{suffix}"


def _with_charset(kind: str, declared: str | None) -> str:
    charset = _parsed(declared)[1]
    return f"{kind}; charset={charset.lower()}" if charset and kind.startswith("text/") else kind


def _parsed(declared: str | None) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = one_line(declared or UNKNOWN)
    charset = message.get_param("charset")
    known = isinstance(charset, str) and _CHARSET.fullmatch(charset)
    return message.get_content_type(), charset if known and isinstance(charset, str) else None
