"""Where a file's bytes and its text lie in storage: places made from ids, so that doing it again changes nothing."""

from __future__ import annotations

from pathlib import PurePosixPath
from uuid import UUID

from services.media.extraction.sniffing import AUDIO, DOCX, HTML, IMAGES, MARKDOWN, PDF, PLAIN, VIDEO

EXTENSIONS = {MARKDOWN: "md", PLAIN: "txt", HTML: "html", PDF: "pdf", DOCX: "docx", **IMAGES, **AUDIO, **VIDEO}


def bytes_path(user_id: UUID, project_id: UUID | None, file_id: UUID, kind: str) -> str:
    """`{user}/{project or none}/{file}.{extension}`; `kind` is one of the accepted media types."""
    return f"{user_id}/{project_id or 'none'}/{file_id}.{EXTENSIONS[kind]}"


def text_path(path: str) -> str:
    """The text beside the bytes."""
    return str(PurePosixPath(path).with_suffix(".text.md"))


def image_path(user_id: UUID, image_id: UUID) -> str:
    """`{user}/images/{image}`: known before the bytes are."""
    return f"{user_id}/images/{image_id}"


def media_file_path(user_id: UUID, file_id: UUID, extension: str) -> str:
    """`{user}/media/{file}.{extension}`"""
    return f"{user_id}/media/{file_id}.{extension}"
