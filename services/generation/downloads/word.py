"""The text as a Word document (docx), in the styles that every word processor knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from typing import Any, Final

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.shared import RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from markdown_it.token import Token

from services.generation.downloads import markdown
from services.generation.downloads.text import Text, readable, tokens

_DEEPEST: Final = 3  # levels of lists that have styles
_MONOSPACE: Final = "Courier New"
_LINK: Final = RGBColor(0x05, 0x63, 0xC1)
_LONGEST_TITLE: Final = 255
_EAST_ASIAN: Final = frozenset({"ja", "ko", "zh"})


def written(text: Text) -> bytes:
    """The bytes of the document."""
    document = docx.Document()
    _describe(document, text)
    writer = _Writer(document, breaks=not text.marked)
    for token in tokens(text.marked, markdown.written(text)):
        writer.add(token)
    kept = BytesIO()
    document.save(kept)
    return kept.getvalue()


def _describe(document: Document, text: Text) -> None:
    about = document.core_properties
    about.title = readable(text.title)[:_LONGEST_TITLE]
    # The library's own words stand here otherwise.
    about.author = about.comments = ""
    about.created = about.modified = text.changed_at.astimezone(UTC)
    if not text.language:
        return
    about.language = text.language
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia" if text.language in _EAST_ASIAN else "w:val"), text.language)


@dataclass(slots=True)
class _List:
    """A list that is open: its numbering when it is numbered, and whether its next paragraph begins an item."""

    number: int | None
    begins: bool = False


class _Writer:
    """Puts one block after the other into a document; with `breaks` each line of a paragraph stays a line."""

    def __init__(self, document: Document, *, breaks: bool) -> None:
        self._document = document
        self._breaks = breaks
        self._lists: list[_List] = []
        self._quotes = 0
        self._rows: list[list[Token]] | None = None
        self._paragraph: Paragraph | None = None

    def add(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._paragraph = self._document.add_heading(level=int(token.tag[1]))
            case "paragraph_open":
                self._paragraph = self._begin()
            case "bullet_list_open":
                self._lists.append(_List(None))
            case "ordered_list_open":
                self._lists.append(_List(self._numbering(int(token.attrs.get("start", 1)))))
            case "list_item_open":
                self._lists[-1].begins = True
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "fence" | "code_block":
                self._begin().add_run(token.content.rstrip("\n")).font.name = _MONOSPACE
            case "table_open":
                self._rows = []
            case "tr_open":
                assert self._rows is not None
                self._rows.append([])
            case "table_close":
                self._tabulate()
            case "inline" if self._rows is not None:
                self._rows[-1].append(token)
            case "inline":
                assert self._paragraph is not None
                _Line(self._paragraph, self._breaks).add(token.children or [])

    def _begin(self) -> Paragraph:
        """A paragraph in the style of the place."""
        if not self._lists:
            return self._document.add_paragraph(style="Quote" if self._quotes else None)
        inner = self._lists[-1]
        level = self._level()
        if not inner.begins:
            return self._document.add_paragraph(style=f"List Continue{level}")
        inner.begins = False
        if inner.number is None:
            return self._document.add_paragraph(style=f"List Bullet{level}")
        paragraph = self._document.add_paragraph(style=f"List Number{level}")
        properties: Any = paragraph._p.get_or_add_pPr()
        numbered = properties.get_or_add_numPr()
        numbered.get_or_add_ilvl().val = 0
        numbered.get_or_add_numId().val = inner.number
        return paragraph

    def _level(self, further: int = 0) -> str:
        depth = min(len(self._lists) + further, _DEEPEST)
        return f" {depth}" if depth > 1 else ""

    def _numbering(self, start: int) -> int:
        """A numbering of its own for a list that is about to begin: those of one style would go on counting."""
        style: Any = self._document.styles[f"List Number{self._level(1)}"].element
        every: Any = self._document.part.numbering_part.element
        of_style = every.num_having_numId(style.pPr.numPr.numId.val)
        number = every.add_num(of_style.abstractNumId.val)
        number.add_lvlOverride(0).add_startOverride(start)
        return int(number.numId)

    def _tabulate(self) -> None:
        rows, self._rows = self._rows or [], None
        table = self._document.add_table(len(rows), max(map(len, rows)), style="Table Grid")
        for row, cells in zip(table.rows, rows, strict=True):
            for cell, token in zip(row.cells, cells, strict=False):
                _Line(cell.paragraphs[0], self._breaks).add(token.children or [])


class _Line:
    """Writes what stands within one paragraph."""

    def __init__(self, paragraph: Paragraph, breaks: bool) -> None:
        self._paragraph = paragraph
        self._breaks = breaks
        self._marks = {"strong": 0, "em": 0, "s": 0}
        self._link: Any = None

    def add(self, children: Iterable[Token]) -> None:
        for child in children:
            match child.type:
                case "strong_open" | "em_open" | "s_open" | "strong_close" | "em_close" | "s_close":
                    self._marks[child.tag] += child.nesting
                case "link_open":
                    self._link = self._linked(str(child.attrs["href"]))
                case "link_close":
                    self._link = None
                case "code_inline":
                    self._run(child.content).font.name = _MONOSPACE
                case "hardbreak":
                    self._run("\n")
                case "softbreak":
                    self._run("\n" if self._breaks else " ")
                case _ if child.content:
                    self._run(child.content)

    def _run(self, content: str) -> Run:
        run = self._paragraph.add_run(content)
        run.bold, run.italic = bool(self._marks["strong"]) or None, bool(self._marks["em"]) or None
        run.font.strike = bool(self._marks["s"]) or None
        if self._link is not None:
            run.font.color.rgb, run.font.underline = _LINK, True
            self._link.append(run._r)
        return run

    def _linked(self, href: str) -> Any:
        link: Any = OxmlElement("w:hyperlink")
        relation = self._paragraph.part.relate_to(href, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link.set(qn("r:id"), relation)
        self._paragraph._p.append(link)
        return link
