"""Reading Word documents (docx): headings, paragraphs, lists and tables in their order."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.document import Document
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from services.media.extraction.document import Block, Draft, Unreadable

MAX_UNPACKED = 200_000_000
MAX_XML = 60_000_000
MAX_ENTRIES = 10_000

_BROKEN = "The file is no readable Word document. Open it in a word processor, save it as docx again, and upload that."
_BOMB = "The Word document unpacks to far more than it should. Save its text in a new document, and upload that."


def read_docx(data: bytes) -> Draft:
    """The blocks of a Word document, and the title from its properties. Raises Unreadable."""
    _refuse_bombs(data)
    try:
        document = docx.Document(BytesIO(data))
        return Draft(list(_blocks(document)), document.core_properties.title or "")
    except (OpcError, LxmlError, zipfile.BadZipFile, KeyError, ValueError, AttributeError, OSError, EOFError) as error:
        raise Unreadable(_BROKEN) from error


def _refuse_bombs(data: bytes) -> None:
    # zipfile never unpacks more than an entry declares, so that the declared sizes can be trusted as bounds.
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable(_BROKEN) from error
    xml = sum(entry.file_size for entry in entries if entry.filename.endswith((".xml", ".rels")))
    if len(entries) > MAX_ENTRIES or xml > MAX_XML or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Unreadable(_BOMB)
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("The Word document is protected by a password. Remove the protection, and upload it again.")


def _blocks(document: Document) -> Iterator[Block]:
    for content in document.iter_inner_content():
        if isinstance(content, Table):
            yield from _rows(content)
        else:
            yield _block(content)


def _block(paragraph: Paragraph) -> Block:
    style = (paragraph.style.name if paragraph.style is not None else None) or ""
    text = paragraph.text
    if style == "Title":
        return Block("heading", text, 1)
    if style.startswith("Heading ") and style[8:].isdigit():
        return Block("heading", text, int(style[8:]))
    properties: Any = paragraph._p.pPr
    numbering = properties.numPr if properties is not None else None
    if style.startswith("List ") or numbering is not None:
        level = numbering.ilvl.val if numbering is not None and numbering.ilvl is not None else 0
        return Block("item", text, level)
    return Block("quote" if "Quote" in style else "paragraph", text)


def _rows(table: Table) -> Iterator[Block]:
    for row in table.rows:
        # Merged cells come once for each place they cover.
        cells = {id(cell._tc): cell.text for cell in row.cells}
        yield Block("paragraph", " | ".join(cells.values()))
