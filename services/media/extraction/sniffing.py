"""What kind of file some bytes are. The bytes decide; the name only tells Markdown from plain text.

Source of the rules for text and HTML: WHATWG MIME Sniffing, sections 3 and 7.1.
"""

import re
import zipfile
from io import BytesIO
from pathlib import PurePath

import filetype

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
IMAGES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}  # and their endings
AUDIO = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/mp4": "m4a", "audio/aac": "aac"}
VIDEO = {"video/mp4": "mp4", "video/quicktime": "mov", "video/x-msvideo": "avi", "video/x-matroska": "mkv"}
SPEECH = frozenset({*AUDIO, *VIDEO})
UNKNOWN = "application/octet-stream"
NOTHING = "application/x-empty"

_WINDOW = 16_384
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,4000}?-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body|script|iframe|h[1-6]|div|font|table|a|style|title|b|br|p|meta|link|article|main|section)"
    r"[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(r"\s*<(?:\?xml|svg|rss|feed)[\s>]", re.IGNORECASE)
# Marks of Markdown; two different ones, or one of the first two, are taken for intent.
_STRONG_MARKS = tuple(re.compile(mark, re.MULTILINE) for mark in (r"^#{1,6} \S", r"^(?:```|~~~)"))
_WEAK_MARKS = tuple(
    re.compile(mark, re.MULTILINE)
    for mark in (
        r"^\s{0,3}[-*+] \S",
        r"^\S.{0,200}\n(?:={3,}|-{3,})\s*$",
        r"\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)",
        r"\*\*[^*\n]{1,200}\*\*",
        r"^> \S",
        r"^\|.{1,500}\|\s*$",
        r"`[^`\n]{1,100}`",
    )
)
_BY_NAME = {".md": MARKDOWN, ".markdown": MARKDOWN, ".mdown": MARKDOWN, ".txt": PLAIN, ".text": PLAIN}


def sniff(data: bytes, filename: str | None = None) -> str:
    """The media type of a file's bytes: `application/octet-stream` if nothing fits, `application/x-empty` for none."""
    if not data:
        return NOTHING
    head = data[:_WINDOW]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"%PDF-"):
        return PDF
    if start.startswith(b"{\\rtf"):
        return "application/rtf"
    if head.startswith(b"PK\x03\x04"):
        return _sniff_zip(data)
    # Before the signatures: "BM", "MZ" or "ID3" may begin a sentence; binary control characters occur in none.
    if head.startswith(_BOMS) or not _BINARY.search(head):
        return _sniff_text(head, filename)
    return _guess(head) or UNKNOWN


def _sniff_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        # A docx cut short has lost its directory, which stands at the end; its first entries still tell what it was.
        return DOCX if b"word/" in data[:_WINDOW] or b"[Content_Types].xml" in data[:200] else "application/zip"
    if "[Content_Types].xml" in names and "word/document.xml" in names:
        return DOCX
    return _guess(data) or "application/zip"


def _guess(data: bytes) -> str | None:
    mime: str | None = filetype.guess_mime(data[:_WINDOW])
    return mime


def _sniff_text(head: bytes, filename: str | None) -> str:
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if utf16 else "utf-8-sig", errors="replace").replace("\r\n", "\n")
    if _HTML.match(text):
        return HTML
    if _XML.match(text):
        return "application/xml"
    if named := _BY_NAME.get(PurePath(filename).suffix.lower() if filename else ""):
        return named
    if any(mark.search(text) for mark in _STRONG_MARKS) or sum(bool(mark.search(text)) for mark in _WEAK_MARKS) >= 2:
        return MARKDOWN
    return PLAIN
