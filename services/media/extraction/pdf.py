"""Reading PDFs: lines become paragraphs, larger type makes headings, page headers and page numbers are left out."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

from pypdf import PdfReader, apply_configuration
from pypdf.errors import DependencyError, PyPdfError

from services.media.extraction.document import Block, Draft, Empty, Unreadable, one_line

MAX_PAGES = 2000
MAX_STREAM = 30_000_000

_BROKEN = "The file is no readable PDF. Open it in a viewer, print it to a new PDF, and upload that."
_PROTECTED = "The PDF is protected by a password. Save it without one, and upload it again."
_NO_TEXT = "The PDF holds no text, only pictures. Run text recognition (OCR) on it."


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: its text, the size of its type in points, and its height `y` on the page (from below)."""

    text: str
    size: float
    y: float


def read_pdf(data: bytes) -> Draft:
    """The blocks of a PDF, and the title from its properties. Raises Unreadable, and Empty for scanned pages."""
    try:
        with apply_configuration(
            zlib_maximum_output_length=MAX_STREAM,
            lzw_maximum_output_length=MAX_STREAM,
            run_length_maximum_output_length=MAX_STREAM,
            array_based_stream_maximum_output_length=MAX_STREAM,
            jbig2dec_binary=None,
        ):
            reader = PdfReader(BytesIO(data), strict=False)
            # A PDF that only restricts printing or copying opens with the empty password.
            if reader.is_encrypted and not reader.decrypt(""):
                raise Unreadable(_PROTECTED)
            if len(reader.pages) > MAX_PAGES:
                raise Unreadable(f"The PDF has more than {MAX_PAGES:,} pages. Upload the pages you need.")
            pages = [list(_lines(page)) for page in reader.pages]
            title = (reader.metadata.title if reader.metadata else None) or ""
    except Unreadable:
        raise
    except DependencyError as error:
        raise Unreadable(_PROTECTED) from error
    except RecursionError as error:
        raise Unreadable(_BROKEN) from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, OSError) as error:
        # pypdf meets broken files in many ways, not all of them with errors of its own.
        raise Unreadable(_BROKEN) from error
    if not any(pages):
        raise Empty(_NO_TEXT) if reader.pages else Empty("The PDF has no pages. Upload one that has.")
    return Draft(list(_blocks(_without_repeats(pages))), one_line(title) if _is_title(title) else "")


def _lines(page: Any) -> Iterator[Line]:
    pieces: list[tuple[str, float, float]] = []

    def visit(text: str, user: list[float], matrix: list[float], _font: Any, size: float) -> None:
        if text:
            scale = abs(matrix[3] or matrix[1] or 1) * abs(user[3] or user[1] or 1)
            pieces.append((text, abs(size) * scale, matrix[5] * (user[3] or 1) + user[5]))

    page.extract_text(visitor_text=visit)
    text, size, y = "", 0.0, 0.0
    for piece, piece_size, piece_y in pieces:
        for index, part in enumerate(re.split(r"\n", piece)):
            if index and text.strip():
                yield Line(one_line(text), size, y)
            if index:
                text, size = "", 0.0
            text += part
            if part.strip():
                size, y = max(size, piece_size), piece_y
    if text.strip():
        yield Line(one_line(text), size, y)


def _without_repeats(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without the first and last lines that stand on most of them (page numbers counted as the same)."""
    if len(pages) < 4:
        return pages
    edges = Counter(_edge(line) for page in pages for line in {*page[:2], *page[-2:]})
    repeated = {edge for edge, count in edges.items() if count > len(pages) / 2}
    return [
        [line for at, line in enumerate(page) if 2 <= at < len(page) - 2 or _edge(line) not in repeated]
        for page in pages
    ]


def _edge(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text)


def _blocks(pages: list[list[Line]]) -> Iterator[Block]:
    weights: Counter[float] = Counter()
    for page in pages:
        for line in page:
            weights[round(line.size, 1)] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    sizes = sorted((size for size in weights if size > body * 1.15), reverse=True)
    paragraph: list[Line] = []
    for page in pages:
        step = _usual_step(page)
        width = max((len(line.text) for line in page), default=0)
        for line in page:
            if paragraph and _ends(paragraph, line, step, width):
                yield _block(paragraph, sizes)
                paragraph = []
            paragraph.append(line)
    if paragraph:
        yield _block(paragraph, sizes)


def _usual_step(page: list[Line]) -> float:
    steps = Counter(round(a.y - b.y, 1) for a, b in pairwise(page) if a.y - b.y > 1)
    return steps.most_common(1)[0][0] if steps else 0.0


def _ends(paragraph: list[Line], line: Line, step: float, width: int) -> bool:
    last = paragraph[-1]
    if abs(last.size - line.size) > 0.6:
        return True
    fall = last.y - line.y
    if fall > 0:
        # A gap, or a short last line that ends a sentence.
        return (step > 0 and fall > step * 1.35) or (
            len(last.text) < width * 0.6 and last.text.endswith((".", "!", "?"))
        )
    # A new column or page: the paragraph goes on unless its sentence is over.
    return last.text.endswith((".", "!", "?", ":", "”", '"'))


def _block(lines: list[Line], heading_sizes: list[float]) -> Block:
    text = lines[0].text
    for line in lines[1:]:
        hyphenated = re.search(r"[a-zà-ÿ]-$", text) and re.match(r"[a-zà-ÿ]", line.text)
        text = text[:-1] + line.text if hyphenated else f"{text} {line.text}"
    size = round(lines[0].size, 1)
    if size in heading_sizes and len(text) <= 200:
        return Block("heading", text, min(heading_sizes.index(size) + 1, 3))
    bullet = re.match(r"[•‣▪◦●–]\s*(?=\S)", text)
    return Block("item", text[bullet.end() :]) if bullet else Block("paragraph", text)


def _is_title(title: str) -> bool:
    # Programs put file names and their own names here.
    return bool(title.strip()) and not re.search(r"untitled|^microsoft word|\.\w{2,4}$", title.strip(), re.IGNORECASE)
