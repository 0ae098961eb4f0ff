"""Extraction: one article gives one text from every format, and bad files give sentences that say what to do."""

import contextlib
import io
import time
import zipfile

import docx
import pytest

from services.media.extraction import Empty, ExtractionError, Unreadable, UnsupportedType, extract, sniff
from services.media.extraction.sniffing import DOCX, HTML, MARKDOWN, PDF, PLAIN
from tests.samples.documents import make

FORMATS = {MARKDOWN: make.markdown, HTML: make.html, PDF: make.pdf, DOCX: make.word}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_headings_and_paragraphs(kind: str) -> None:
    found = extract(FORMATS[kind](), kind)
    assert (found.title, found.language, found.mime_type) == (make.TITLE, "en", kind)
    blocks = found.text.split("\n\n")
    expected = [f"# {make.TITLE}"]
    for heading, paragraphs in make.SECTIONS.items():
        expected += [f"## {heading}", *paragraphs]
    assert blocks[: len(expected)] == expected


@pytest.mark.parametrize("kind", [MARKDOWN, HTML, DOCX])
def test_lists_are_kept(kind: str) -> None:
    assert "\n".join(f"- {point}" for point in make.POINTS) in extract(FORMATS[kind](), kind).text


@pytest.mark.parametrize("kind", [MARKDOWN, DOCX])
def test_table_rows_become_lines(kind: str) -> None:
    assert "400 m | 3 Hz" in extract(FORMATS[kind](), kind).text


def test_plain_text_that_was_wrapped_is_joined_again() -> None:
    found = extract(make.plain(), PLAIN)
    assert found.title == make.TITLE
    assert make.SENTENCE in found.text
    assert len(found.text.split("\n\n")) == 4


def test_plain_lines_that_were_not_wrapped_stay_apart() -> None:
    assert extract(b"Roses are red\nViolets are blue", PLAIN).text == "Roses are red\n\nViolets are blue"


def test_a_page_is_read_without_what_stands_around_the_article() -> None:
    text = extract(make.html(), HTML).text
    for noise in ("tracker", "Shop", "newsletter", "All rights reserved"):
        assert noise not in text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>Short.</p>", "Short."),
        ("no tags at all <b>but one</b>", "no tags at all but one"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<h2>Head</h2><ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", "## Head\n\n- a\n  - b\n- c"),
        ("<table><tr><th>a</th><td><p>b</p></td></tr><tr><td>c<td>d</table>", "a | b\n\nc | d"),
        ("<pre>x = 1\n  y = 2</pre>", "```\nx = 1\n  y = 2\n```"),
        ("a<!-- hidden -->b<script>no</script>c", "abc"),
        ("<p>one<br>two</p>", "one\n\ntwo"),
        ("&lt;p&gt; &amp; &eacute; &#x1F600;", "<p> & é 😀"),
    ],
)
def test_pages_too_small_for_an_article_are_read_whole(page: str, expected: str) -> None:
    assert extract(page.encode(), HTML).text == expected


def test_markdown_loses_its_marks_but_not_its_structure() -> None:
    source = """Heading
-------
Some *soft*, **strong**, `code` and a [link][1] with ![a picture](p.png) here.
Same paragraph. 2 * 3 * 4 and snake_case_name.

> quoted **words**

1. first
   - below

```python
# not a heading
```

<div>raw <b>html</b></div>

[1]: https://example.org
"""
    assert extract(source.encode(), MARKDOWN).text == (
        "## Heading\n\n"
        "Some soft, strong, code and a link with here. Same paragraph. 2 * 3 * 4 and snake_case_name.\n\n"
        "> quoted words\n\n"
        "- first\n  - below\n\n"
        "```\n# not a heading\n```\n\n"
        "raw html"
    )


def test_the_title_comes_from_the_best_place_there_is() -> None:
    def title(text: str, kind: str = MARKDOWN, name: str | None = "my_old-notes.md") -> str:
        return extract(text.encode(), kind, name).title

    assert title("---\ntitle: 'From the front'\n---\n# Heading\ntext") == "From the front"
    assert title("intro\n\n# Heading") == "Heading"
    assert title("Short first line\n\nmore") == "Short first line"
    assert title("long " * 40) == "my old notes"
    assert len(title("long " * 80, name=None)) <= 200
    assert title("<title>Page</title><p>x", HTML) == "Page"


def test_headers_and_page_numbers_of_a_pdf_are_left_out() -> None:
    text = extract(make.pdf(pages=5), PDF).text
    assert "Quarterly" not in text
    assert "Page 3" not in text
    assert all(f"So ends part {end}." in text for end in make.ENDS[:5])


def test_a_pdf_that_only_forbids_printing_is_read() -> None:
    assert make.SENTENCE in extract(make.encrypted_pdf(user_password=""), PDF).text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("오늘은 날씨가 좋아서 산책을 나갔습니다. 강가에는 사람들이 많았습니다.", "ko"),
        ("今日は天気がいいので、散歩に出かけました。", "ja"),
        ("今天天气很好，我们去河边散步吧。", "zh"),
        ("Сегодня хорошая погода, и мы пошли гулять к реке.", "ru"),
        ("Heute ist das Wetter schön, deshalb gehen wir am Fluss spazieren.", "de"),
        ("Aujourd'hui il fait beau, alors nous allons nous promener au bord de la rivière.", "fr"),
        ("Hoy hace buen tiempo, así que vamos a pasear por la orilla del río.", "es"),
        ("The weather is fine today, so we went for a walk along the river.", "en"),
        ("12345 67890 --- 11:00", "und"),
    ],
)
def test_the_language_is_told_offline(text: str, language: str) -> None:
    assert extract(text.encode(), PLAIN).language == language


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("오늘은 날씨가 좋아서 산책을 나갔습니다. 강가에는 사람들이 많았습니다. " * 3, "cp949"),
        ("오늘은 날씨가 좋아서 산책을 나갔습니다.", "utf-16"),
        ("Überall grünt es schön, sagte der Bär zu den Mäusen. " * 3, "cp1252"),
        ("今日は天気がいいので、散歩に出かけました。桜がとてもきれいでした。" * 3, "shift_jis"),
        ("Сегодня хорошая погода, и мы пошли гулять к реке. " * 3, "cp1251"),
        ("Grüße aus Köln", "utf-8-sig"),
    ],
)
def test_text_in_other_encodings_is_read(text: str, encoding: str) -> None:
    assert extract(text.encode(encoding), PLAIN).text == text.strip()


def test_a_declared_encoding_is_heeded() -> None:
    page = "<meta charset='euc-kr'><p>짧은 글</p>".encode("cp949")
    assert extract(page, HTML).text == "짧은 글"
    assert extract("naïve".encode("cp1252"), "text/plain; charset=ISO-8859-1").text == "naïve"
    assert extract("naïve".encode(), "text/plain; charset=utf-7").text == "naïve"
    assert extract("naïve".encode(), "text/plain; charset=nonsense").text == "naïve"


def test_a_few_broken_bytes_do_not_spoil_utf_8() -> None:
    broken = ("안녕하세요 여러분, 반갑습니다. " * 10).encode()[:-3] + b"\xed\x95"
    assert "안녕하세요 여러분, 반갑습니다." in extract(broken, PLAIN).text


@pytest.mark.parametrize(
    ("data", "kind", "name", "error", "advice"),
    [
        (b"", PLAIN, None, Empty, "Upload one"),
        (b" \n\t\r\n", MARKDOWN, None, Empty, "Upload one"),
        (b"\0\0\0", PLAIN, None, Empty, "Upload one"),
        (b"<html><body><script>1</script></body></html>", HTML, None, Empty, "Upload one"),
        (b"![](a.png)", MARKDOWN, None, Empty, "Upload one"),
        (b"\x89PNG", "image/png", "a.png", UnsupportedType, "md, txt, html, pdf, docx, sound or video"),
        (b"x", "application/octet-stream", None, UnsupportedType, "paste the text"),
        (make.pdf_that_is_none(), PDF, "a.pdf", Unreadable, "no readable PDF"),
        (b"plain words", PLAIN, "a.pdf", Unreadable, "is no PDF"),
        (b"plain words", PDF, None, Unreadable, "no readable PDF"),
        (make.pdf()[:900], PDF, None, Unreadable, "no readable PDF"),
        (make.encrypted_pdf(), PDF, None, Unreadable, "protected by a password"),
        (make.scanned_pdf(), PDF, None, Empty, "OCR"),
        (b"PK\x03\x04 broken", DOCX, None, Unreadable, "save it as docx again"),
        (make.word()[:5000], DOCX, None, Unreadable, "save it as docx again"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/msword", "a.docx", Unreadable, "password"),
        (make.docx_bomb(300), DOCX, None, Unreadable, "unpacks to far more"),
        (make.docx_with_entities(), DOCX, None, Unreadable, "save it as docx again"),
        (make.pdf(), PLAIN, None, Unreadable, "something else"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else None,
)
def test_a_bad_file_says_what_to_do(
    data: bytes, kind: str, name: str | None, error: type[ExtractionError], advice: str
) -> None:
    with pytest.raises(error, match=advice) as raised:
        extract(data, kind, name)
    assert type(raised.value) is error


def text_or_advice(data: bytes, kind: str) -> str:
    """The text, or what the error says to do; any other exception is a crash."""
    try:
        return extract(data, kind).text
    except ExtractionError as error:
        return str(error)


@pytest.mark.parametrize("cut", range(50, 2000, 150))
def test_a_pdf_cut_anywhere_is_read_or_refused_but_never_crashes(cut: int) -> None:
    whole = make.pdf()
    for damaged in (whole[:cut], whole[:cut] + b"\0garbage<<>>" + whole[cut + 12 :]):
        assert text_or_advice(damaged, PDF)


def test_a_word_document_with_damaged_xml_is_refused() -> None:
    source = zipfile.ZipFile(io.BytesIO(make.word()))
    for damaged_name in source.namelist():
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in source.namelist():
                content = source.read(name)
                archive.writestr(name, content[: len(content) // 2] if name == damaged_name else content)
        assert text_or_advice(buffer.getvalue(), DOCX)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<div>" * 5000 + "deep" + "</div>" * 5000, HTML),
        ("<table><tr><td>" * 300 + "deep", HTML),
        ("<ul><li>" * 300 + "deep", HTML),
        ("> " * 2000 + "deep", MARKDOWN),
        ("[" * 5000 + "deep", MARKDOWN),
        ("*a_ " * 5000 + "deep", MARKDOWN),
        ("- " * 500 + "deep", MARKDOWN),
    ],
)
def test_what_is_nested_deeply_is_read_or_refused_soon(text: str, kind: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ExtractionError):
        assert "deep" in extract(text.encode(), kind).text
    assert time.process_time() - started < 5


def test_a_word_document_with_an_empty_body_is_empty() -> None:
    buffer = io.BytesIO()
    docx.Document().save(buffer)
    with pytest.raises(Empty):
        extract(buffer.getvalue(), DOCX)


@pytest.mark.parametrize(("kind", "seconds"), [(PLAIN, 3), (MARKDOWN, 20), (HTML, 20)])
def test_five_megabytes_are_read_in_time(kind: str, seconds: float) -> None:
    parts = {
        PLAIN: "Bridge number {} hums in the wind, and nobody has found out why it does so.\n\n",
        MARKDOWN: "## Bridge {}\n\nIt **hums** in the wind, and [nobody](https://example.org) knows why.\n\n- a\n\n",
        HTML: "<h2>Bridge {}</h2><p>It <b>hums</b> in the wind, and nobody has found out why it does so.</p>\n",
    }
    part = parts[kind]
    data = "".join(part.format(n) for n in range(5_000_000 // len(part))).encode()
    assert sniff(data) == kind
    started = time.process_time()
    text = extract(data, kind).text
    assert time.process_time() - started < seconds
    last = f"ridge {'number ' if kind == PLAIN else ''}{5_000_000 // len(part) - 1}"
    assert last in text
