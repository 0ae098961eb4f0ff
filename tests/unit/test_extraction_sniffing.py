"""Sniffing: the bytes decide what a file is, the name only between kinds of text."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.extraction import sniff
from services.media.extraction.sniffing import DOCX, HTML, MARKDOWN, NOTHING, PDF, PLAIN, UNKNOWN
from tests.samples.documents import make


def zip_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make_file", "expected"),
    [
        (make.markdown, MARKDOWN),
        (make.plain, PLAIN),
        (make.html, HTML),
        (make.pdf, PDF),
        (make.word, DOCX),
        (make.encrypted_pdf, PDF),
        (make.pdf_that_is_none, PDF),
    ],
)
@pytest.mark.parametrize("name", [None, "file", "picture.png", "program.exe", "report.pdf"])
def test_documents_are_known_by_their_bytes_whatever_their_name(make_file, expected: str, name: str | None) -> None:  # type: ignore[no-untyped-def]
    assert sniff(make_file(), name) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", NOTHING),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0\x80\0\0", "image/gif"),
        (b"ID3\x03\0\0\0\0\0\x21", "audio/mpeg"),
        (b"\xff\xfb\x10\xc4\0\0\x03\x48", "audio/mpeg"),
        (b"RIFFp4\x03\0WAVEfmt \x10\0\0\0\x01\0\x01\0", "audio/x-wav"),
        (b"\0\0\0\x1cftypM4A \0\0\x02\0M4A isomiso2", "audio/mp4"),
        (b"\xff\xf1`@,_\xfc\xde\x02\0Lavc", "audio/aac"),
        (b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2mp41", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\x02\0qt  \0\0\0\x08wide", "video/quicktime"),
        (b"RIFF\x88u\0\0AVI LIST\xe2\x11\0\0hdrlavih8\0\0\0", "video/x-msvideo"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88matroska", "video/x-matroska"),
        (b"\0\x01\x02\x03", UNKNOWN),
        (b"{\\rtf1\\ansi text}", "application/rtf"),
        (b"<?xml version='1.0'?><svg/>", "application/xml"),
        (gzip.compress(b"x", mtime=0), "application/gzip"),
        (zip_of("a.txt"), "application/zip"),
        (make.word()[:5000], DOCX),
    ],
)
def test_other_files_are_not_taken_for_documents(data: bytes, expected: str) -> None:
    assert sniff(data, "article.txt") == expected


@pytest.mark.parametrize(
    "text",
    [
        "BMW builds cars.",
        "MZ is a motorcycle.",
        "GIF89a was a format.",
        "ID3 tags hold titles.",
        "RIFF raff",
        "II*III",
        "안녕하세요",
        "Grüße",
        "a < b and b > c",
        "Tom & Jerry",
        "1. e4 e5",
        "{json: no}",
        "%PDF is how PDFs begin",
        "PK is a name",
    ],
)
def test_prose_that_begins_like_something_else_is_prose(text: str) -> None:
    assert sniff(text.encode()) == PLAIN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_text_is_text_in_every_encoding(encoding: str) -> None:
    assert sniff("안녕하세요. 오늘은 날씨가 좋습니다.".encode(encoding)) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><p>x",
        "  \n<html lang=en>",
        "<!-- hi --><div>x</div>",
        "<?xml version='1.0'?><html>",
        "<P>x</P>",
        "<h1>x</h1>",
    ],
)
def test_html_is_known_by_its_first_tag(text: str) -> None:
    assert sniff(text.encode(), "notes.txt") == HTML


@pytest.mark.parametrize(
    "text", ["# Title\n\ntext", "text\n\n```\ncode\n```", "Title\n=====\n\nand **bold**", "- a\n- [b](https://c)"]
)
def test_markdown_is_known_by_its_marks_and_the_name_breaks_ties(text: str) -> None:
    assert sniff(text.encode()) == MARKDOWN
    assert sniff(text.encode(), "a.md") == MARKDOWN
    assert sniff(text.encode(), "a.TXT") == PLAIN
    assert sniff(b"nothing special", "a.md") == MARKDOWN


@given(st.binary(max_size=400), st.none() | st.text(max_size=20))
def test_anything_gets_a_type(data: bytes, name: str | None) -> None:
    assert "/" in sniff(data, name)
    assert "/" in sniff(b"PK\x03\x04" + data, name)
