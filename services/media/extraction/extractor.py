"""Extraction itself, in the calling thread: which reader for which type, and what all of them share."""

from email.message import Message

from services.media.extraction.decoding import decode
from services.media.extraction.document import (
    Draft,
    Empty,
    Extracted,
    Unreadable,
    UnsupportedType,
    render,
    title_of,
)
from services.media.extraction.sniffing import DOCX, HTML, MARKDOWN, NOTHING, PDF, PLAIN, SPEECH, sniff
from services.media.extraction.speech import Hearing, read_speech

SUPPORTED = frozenset({MARKDOWN, PLAIN, HTML, PDF, DOCX}) | SPEECH
_NAMES = {".pdf": ("PDF", PDF), ".docx": ("Word document", DOCX)}
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def extract(data: bytes, mime: str, filename: str | None = None, hearing: Hearing = Hearing()) -> Extracted:
    """The title, text and language of a document.

    `mime` is what `sniff` said, or a server's Content-Type (its charset is heeded). For files that may be hostile use
    `extract_async`, which bounds time and memory. Raises Unreadable, UnsupportedType, Empty.
    """
    kind, charset = _parse(mime)
    if not data.strip(b"\0 \t\r\n\f"):
        raise Empty("The file is empty. Upload one that holds text.")
    _refuse_impostors(data, kind, filename)
    draft = read_speech(data, hearing) if kind in SPEECH else _read(data, kind, charset)
    try:
        text = render(draft.blocks)
    except RecursionError as error:
        raise Unreadable("The file is nested too deeply to be read. Paste its text instead.") from error
    if not text:
        raise Empty("The file holds no text. Upload one that does.")
    # Only here, since the model is not needed to refuse a file.
    from services.media.extraction.language import language_of

    # The first words that somebody says are no title.
    titling = "" if kind in SPEECH and filename else text
    return Extracted(title_of(draft.title, titling, filename), text, language_of(text), kind)


def _read(data: bytes, kind: str, charset: str | None) -> Draft:
    # Each reader brings a library; only the one needed is loaded.
    if kind == PDF:
        from services.media.extraction.pdf import read_pdf

        return read_pdf(data)
    if kind == DOCX:
        from services.media.extraction.word import read_docx

        return read_docx(data)
    if kind == HTML:
        from services.media.extraction.html import read_html

        return read_html(decode(data, charset, html=True))
    if kind == MARKDOWN:
        from services.media.extraction.markdown import read_markdown

        return read_markdown(decode(data, charset))
    from services.media.extraction.plain import read_plain

    return read_plain(decode(data, charset))


def _refuse_impostors(data: bytes, kind: str, filename: str | None) -> None:
    for suffix, (name, expected) in _NAMES.items():
        if filename and filename.lower().endswith(suffix) and kind != expected:
            if data.startswith(_COMPOUND_FILE):
                raise Unreadable(
                    f"The {name} is protected by a password or in an old format. Save it anew as {suffix[1:]}."
                )
            raise Unreadable(f"The file is called {suffix} but is no {name}. Export it as {name} again, or rename it.")
    if kind not in SUPPORTED:
        raise UnsupportedType(
            f"Text cannot be read from {'this kind of file' if kind == NOTHING else kind}. "
            "Upload md, txt, html, pdf, docx, sound or video, or paste the text."
        )
    if kind not in (PDF, DOCX) and sniff(data) in (PDF, DOCX):
        raise Unreadable(f"The file was sent as {kind} but is something else. Send it as what it is.")


def _parse(mime: str) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = mime
    charset = message.get_param("charset")
    kind = message.get_content_type() if "/" in mime else mime.strip().lower()
    return _ALIASES.get(kind, kind), charset if isinstance(charset, str) else None


_ALIASES = {"application/xhtml+xml": HTML, "text/x-markdown": MARKDOWN, "application/x-pdf": PDF}
