"""A text as a file to take away: Markdown, a web page, or a Word document."""

from __future__ import annotations

from typing import Final, Literal

from services.generation.downloads import markdown, page, word
from services.generation.downloads.text import Text

Format = Literal["md", "html", "docx"]

MEDIA_TYPES: Final = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def rendered(text: Text, form: Format) -> bytes:
    """The whole file. Takes up to some 100 milliseconds: call it beside the event loop."""
    match form:
        case "md":
            return markdown.written(text).encode()
        case "html":
            return page.written(text).encode()
        case "docx":
            return word.written(text)


__all__ = ["MEDIA_TYPES", "Format", "Text", "rendered"]
