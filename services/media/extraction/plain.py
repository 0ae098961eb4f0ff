"""Reading plain text: paragraphs are found, and lines that were wrapped to a width are joined again."""

import re
from collections.abc import Iterator

from services.media.extraction.document import Block, Draft

# Lines about this long in a row were most likely broken by a program, not by the writer.
_WRAPPED = range(40, 101)


def read_plain(text: str) -> Draft:
    """The paragraphs of a text, separated by blank lines or, where lines are long, by every line break."""
    return Draft(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[Block]:
    for paragraph in re.split(r"\n[ \t\f\v]*\n\s*|\f", text):
        lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
        if len(lines) > 1 and all(len(line) in _WRAPPED for line in lines[:-1]):
            yield Block("paragraph", _joined(lines))
        else:
            yield from (Block("paragraph", line) for line in lines)


def _joined(lines: list[str]) -> str:
    return re.sub(r"(?<=[a-z])- (?=[a-z])", "", " ".join(lines))
