"""A text as a file: what stands in Markdown stands in the page and in the Word document as well."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE

from services.generation.downloads import Format, Text, rendered

NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
BLOG = """# Why *bread* rises

Yeast eats **sugar** and breathes out gas, see [the oven](https://example.org/oven).

## What to do

1. Weigh the flour.
2. Fold the dough:
   - once
   - twice

Then:

3. Bake `hot`.

> Patience is the best ~~spice~~ flour.

```
240 °C
```

| Flour | Water |
| --- | --- |
| 500 g | 350 g |
"""


def text(body: str, title: str = "", *, marked: bool = True, language: str = "en") -> Text:
    return Text(title, body, marked, language, NOW)


def word(given: Text) -> Document:
    return docx.Document(BytesIO(rendered(given, "docx")))


def shown(document: Document) -> list[tuple[str, str]]:
    return [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs if paragraph.style]


def test_a_blog_post_becomes_a_word_document_with_everything_in_its_style() -> None:
    document = word(text(BLOG))
    assert shown(document) == [
        ("Heading 1", "Why bread rises"),
        ("Normal", "Yeast eats sugar and breathes out gas, see the oven."),
        ("Heading 2", "What to do"),
        ("List Number", "Weigh the flour."),
        ("List Number", "Fold the dough:"),
        ("List Bullet 2", "once"),
        ("List Bullet 2", "twice"),
        ("Normal", "Then:"),
        ("List Number", "Bake hot."),
        ("Quote", "Patience is the best spice flour."),
        ("Normal", "240 °C"),
    ]
    assert [[cell.text for cell in row.cells] for row in document.tables[0].rows] == [
        ["Flour", "Water"],
        ["500 g", "350 g"],
    ]
    runs = {run.text: run for paragraph in document.paragraphs for run in paragraph.runs}
    assert runs["bread"].italic
    assert runs["sugar"].bold
    assert runs["spice"].font.strike
    assert runs["hot"].font.name == runs["240 °C"].font.name == "Courier New"
    relations = document.part.rels.values()
    links = [each.target_ref for each in relations if each.reltype == RELATIONSHIP_TYPE.HYPERLINK]
    assert links == ["https://example.org/oven"]


def test_a_second_numbered_list_counts_from_its_own_number() -> None:
    document = word(text(BLOG))
    numbered: list[Any] = [
        each._p.pPr.numPr for each in document.paragraphs if each.style and each.style.name == "List Number"
    ]
    first, same, other = (each.numId.val for each in numbered)
    assert first == same != other
    numbering: Any = document.part.numbering_part.element
    starts = [numbering.num_having_numId(each).lvlOverride_lst[0].startOverride.val for each in (first, other)]
    assert starts == [1, 3]


def test_a_document_says_what_it_is_and_nothing_of_what_made_it() -> None:
    about = word(text("셋째 문단입니다.", "제목", language="ko")).core_properties
    assert (about.title, about.language, about.author, about.comments) == ("제목", "ko", "", "")
    assert about.modified == about.created == NOW


def test_a_title_stands_over_a_text_that_has_none() -> None:
    assert rendered(text("Bread rises.", "Bread [& more]\n*now*"), "md") == (
        rb"# Bread \[\& more\] \*now\*" + b"\n\nBread rises.\n"
    )
    assert rendered(text("## Then\n\nBread rises.", "Bread"), "md").startswith(b"# Bread\n\n## Then\n")
    assert rendered(text("# Bread\n\nIt rises.", "Other"), "md") == b"# Bread\n\nIt rises.\n"
    assert rendered(text("Bread rises."), "md") == b"Bread rises.\n"


POST = "Bread *rises* 🥖\n• it is warm\n• it is fed\n\nhttps://example.org #bread"


def test_a_post_keeps_its_lines_and_marks_as_the_network_shows_them() -> None:
    post = text(POST, "Bread", marked=False)
    assert rendered(post, "md").decode() == f"{POST}\n"
    assert shown(word(post)) == [
        ("Normal", "Bread *rises* 🥖\n• it is warm\n• it is fed"),
        ("Normal", "https://example.org #bread"),
    ]
    page = rendered(post, "html").decode()
    assert "<p>Bread *rises* 🥖<br>\n• it is warm<br>\n• it is fed</p>" in page.replace("<br />", "<br>")
    assert '<a href="https://example.org">' in page


def test_a_page_is_whole_and_runs_nothing() -> None:
    evil = text("<script>alert(1)</script>\n\n[x](javascript:alert(1))", "<b>Bread</b>", language='en"><script>')
    page = rendered(evil, "html").decode()
    assert page.startswith('<!doctype html>\n<html lang="en&quot;&gt;&lt;script&gt;">')
    assert "<title>&lt;b&gt;Bread&lt;/b&gt;</title>" in page
    assert "<script" not in page
    assert "href" not in page
    assert "<h1>&lt;b&gt;Bread&lt;/b&gt;</h1>" in page


@pytest.mark.parametrize("form", ["md", "html", "docx"])
@pytest.mark.parametrize(
    "body",
    [
        "\x0b\x01Bell\ufffe\x07",
        "> " * 200 + "deep",
        "".join(f"{'  ' * n}- {n}\n" for n in range(60)),
        "|a|\n|-|\n|b|c|\n",
        "![bread](https://example.org/bread.png)",
        "99999999999. no list\n\n0. from nought\n",
        "-\n\n1.\n\n#\n\n---\n",
        "[a](<" + "x" * 3000 + ">)",
    ],
)
@pytest.mark.parametrize("marked", [True, False])
def test_whatever_a_person_writes_becomes_a_file_that_opens(form: Format, body: str, marked: bool) -> None:
    data = rendered(text(body, "T" * 300 + "\x02", marked=marked), form)
    if form == "docx":
        assert shown(docx.Document(BytesIO(data)))
    else:
        assert "\x01" not in data.decode()
        assert "\x02" not in data.decode()
