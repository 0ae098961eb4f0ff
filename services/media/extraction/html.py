"""Reading web pages: the article without what stands around it, or the whole page where no article is found."""

from collections.abc import Iterator

import trafilatura
from lxml import html as lxml_html
from lxml.etree import ErrorTypes, LxmlError, _Element, iterwalk

from services.media.extraction.document import Block, Draft, Unreadable, one_line

LARGE = 500_000
LEAST_ARTICLE = 250

# Names of HTML, and of the TEI-like tree that trafilatura gives back (item, quote, row, cell, head, lb).
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "list"})
_ITEMS = frozenset({"li", "item", "dd", "dt"})
_QUOTES = frozenset({"blockquote", "quote"})
_ROWS = frozenset({"tr", "row"})
_BREAKS = frozenset({"br", "lb"})
_CELLS = frozenset({"td", "th", "cell"})
_SECTIONS = frozenset({"address", "article", "aside", "body", "div", "header", "html", "main", "section", "footer"})
_OTHER_BLOCKS = frozenset({"caption", "details", "dl", "figcaption", "hr", "p", "pre", "summary", "table", "tbody"})
_BLOCKS = _SECTIONS | _OTHER_BLOCKS | _LISTS | _ITEMS | _QUOTES | _ROWS | _HEADINGS.keys()
_SKIPPED = frozenset({"button", "form", "head", "iframe", "math", "nav", "noscript", "object", "script", "select"}) | {
    "style",
    "svg",
    "template",
    "textarea",
}


def read_html(text: str) -> Draft:
    """The blocks of a page's article, and its title. Raises Unreadable when it is no HTML at all."""
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        page = lxml_html.document_fromstring(text.encode(errors="replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError) as error:
        # libxml2 names it by its code; what it says is now "unknown error", now "Memory allocation failed".
        if any(entry.type == ErrorTypes.ERR_NO_MEMORY for entry in parser.error_log):
            raise MemoryError from error
        raise Unreadable("The file is no readable HTML. Save the page again, or paste its text.") from error
    title = one_line("".join(page.xpath("//head/title[1]//text()")))
    article = trafilatura.bare_extraction(
        text,
        include_comments=False,
        include_formatting=True,
        # On a page of megabytes, second opinions and the search for dates take longer than the text.
        with_metadata=len(text) <= LARGE,
        fast=len(text) > LARGE,
    )
    if isinstance(article, trafilatura.settings.Document) and article.body is not None:
        blocks = [block for block in _blocks(article.body) if block.text.strip()]
        title = article.title or title
        # What was found in a page without an article may be any scrap of it.
        length = sum(len(block.text) for block in blocks)
        if length >= LEAST_ARTICLE or length > len(page.text_content()) / 2:
            return Draft(_headed(blocks, title), title)
    return Draft(_blocks(page), title)


def _headed(blocks: list[Block], title: str) -> list[Block]:
    # The main heading often stands outside the article's element and is lost with what surrounds it.
    if title and not any(block.kind == "heading" and block.level == 1 for block in blocks):
        return [Block("heading", title, 1), *blocks]
    return blocks


def _blocks(root: _Element) -> Iterator[Block]:
    """The blocks below an element, in one walk without recursion: pages may nest deeply."""
    buffer: list[str] = []
    contexts = [Block("paragraph", "")]
    lists = rows = 0
    walk = iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = _tag(element)
        starts = event == "start"
        lists += (1 if starts else -1) * (tag in _LISTS)
        if tag in _SKIPPED:
            if starts:
                walk.skip_subtree()
        elif rows and tag not in _ROWS:
            if starts and tag in _CELLS and any(part.strip() for part in buffer):
                buffer.append(" | ")
            elif tag in _BLOCKS or tag in _BREAKS:
                buffer.append(" ")
        elif tag in _BLOCKS or (tag in _BREAKS and contexts[-1].kind != "code"):
            yield _taken(buffer, contexts[-1])
            if tag in _BLOCKS and starts:
                contexts.append(_context(tag, contexts[-1], lists))
            elif tag in _BLOCKS:
                contexts.pop()
            rows += (1 if starts else -1) * (tag in _ROWS)
        elif starts and tag in _BREAKS:
            buffer.append("\n")
        if starts and tag not in _SKIPPED:
            buffer.append(element.text or "")
        elif not starts and element is not root:
            buffer.append(element.tail or "")
    yield _taken(buffer, contexts[-1])


def _tag(element: _Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    if tag == "head" and element.get("rend"):
        return str(element.get("rend"))
    # trafilatura calls both <pre> and <code> "code"; what spans lines was <pre>.
    return "pre" if tag == "code" and "\n" in "".join(element.itertext()).strip() else tag


def _context(tag: str, parent: Block, lists: int) -> Block:
    if tag in _HEADINGS:
        return Block("heading", "", _HEADINGS[tag])
    if tag in _ITEMS:
        return Block("item", "", max(0, lists - 1))
    if tag in _QUOTES:
        return Block("quote", "")
    return Block("code", "") if tag == "pre" else parent


def _taken(buffer: list[str], context: Block) -> Block:
    text = "".join(buffer)
    buffer.clear()
    return Block(context.kind, text, context.level)
