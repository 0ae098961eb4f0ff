"""The sample documents, made rather than stored: one article in every format, and files that are not what they claim.

`python -m tests.samples.documents.make FOLDER` writes them all.
"""

import io
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import docx
from pypdf import PdfReader, PdfWriter
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

TITLE = "Why bridges sing"
SECTIONS = {
    "Wind and steel": (
        "A long bridge is never quite still. Wind that passes its cables sheds small whirls on alternate sides, "
        "and each whirl pulls the cable a little. When the pulls come as often as the cable likes to swing, "
        "the bridge begins to hum.",
        "Engineers have known this since the nineteenth century, but they learned to fear it only when a deck tore "
        "itself apart.",
    ),
    "What is done about it": (
        "Modern decks are shaped like wings, so that the wind leaves them without whirls. Dampers at the ends of the "
        "cables turn what motion remains into a little heat, which nobody notices.",
    ),
}
POINTS = ("Shape the deck like a wing", "Hang dampers on the cables", "Listen to the bridge")
ENDS = ("one", "two", "three", "four", "five", "six")
SENTENCE = "Modern decks are shaped like wings, so that the wind leaves them without whirls."


def markdown() -> bytes:
    """The article in Markdown, with front matter, a setext heading, links and a table."""
    parts = ["---", f"title: {TITLE}", "author: nobody", "---", "", TITLE, "=" * len(TITLE), ""]
    for heading, paragraphs in SECTIONS.items():
        parts += [
            f"## {heading}",
            "",
            *(line for text in paragraphs for line in (text.replace("wings", "**wings**"), "")),
        ]
    parts += [f"- {point}" for point in POINTS]
    parts += [
        "",
        "See [the report][1].",
        "",
        "| span | hum |",
        "|---|---|",
        "| 400 m | 3 Hz |",
        "",
        "[1]: https://example.org",
    ]
    return "\n".join(parts).encode()


def plain() -> bytes:
    """The article as plain text, wrapped to 72 columns."""
    import textwrap

    paragraphs = [TITLE, *(text for texts in SECTIONS.values() for text in texts)]
    return "\n\n".join(textwrap.fill(text, 72) for text in paragraphs).encode()


def html(charset: str = "utf-8") -> bytes:
    """The article as a web page with what usually stands around one."""
    sections = "".join(
        f"<h2>{heading}</h2>" + "".join(f"<p>{text.replace('wings', '<b>wings</b>')}</p>" for text in texts)
        for heading, texts in SECTIONS.items()
    )
    points = "".join(f"<li>{point}</li>" for point in POINTS)
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="{charset}"><title>{TITLE}</title>
<script>var tracker = "do not read me";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop</a></li></ul></nav>
<article><h1>{TITLE}</h1>{sections}<ul>{points}</ul></article>
<aside>Subscribe to our newsletter!</aside><footer>All rights reserved.</footer></body></html>""".encode(charset)


def pdf(pages: int = 1) -> bytes:
    """The article as a PDF; more pages repeat it with an own last line, under a header and over a page number."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = []
    for page in range(pages):
        if page:
            story.append(PageBreak())
        story.append(Paragraph(TITLE, styles["Title"]))
        for heading, texts in SECTIONS.items():
            story.append(Paragraph(heading, styles["Heading2"]))
            for text in texts:
                story += [Paragraph(text, styles["BodyText"]), Spacer(1, 8)]

        story.append(Paragraph(f"So ends part {ENDS[page % len(ENDS)]}.", styles["BodyText"]))

    def furnish(canvas: Canvas, document: SimpleDocTemplate) -> None:
        if pages > 1:
            canvas.drawString(72, 800, "Quarterly of Humming Structures")
            canvas.drawString(290, 30, f"Page {document.page}")

    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, title=TITLE, invariant=1).build(story, onFirstPage=furnish, onLaterPages=furnish)
    return buffer.getvalue()


def word() -> bytes:
    """The article as a Word document with headings, a list and a table."""
    document = docx.Document()
    document.core_properties.title = TITLE
    document.add_heading(TITLE, 0)
    for heading, texts in SECTIONS.items():
        document.add_heading(heading, 2)
        for text in texts:
            before, wings, after = text.partition("wings")
            paragraph = document.add_paragraph(before)
            paragraph.add_run(wings).bold = True
            paragraph.add_run(after)
    for point in POINTS:
        document.add_paragraph(point, style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "400 m", "3 Hz"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def encrypted_pdf(user_password: str = "secret") -> bytes:
    """The PDF under a password; with an empty user password it opens, and only forbids printing."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt(user_password, owner_password="owner", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def pdf_that_is_none() -> bytes:
    """Begins like a PDF and goes on as something else."""
    return b"%PDF-1.7\n" + b"This only pretends to be a PDF. " * 50


def scanned_pdf() -> bytes:
    """A page without text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.rect(100, 100, 200, 200, fill=1)
    canvas.save()
    return buffer.getvalue()


def pdf_bomb(megabytes: int = 500) -> bytes:
    """A small PDF whose page unpacks to as much as is asked for."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(out),
    )


def docx_bomb(megabytes: int = 500) -> bytes:
    """A Word document of half a megabyte that unpacks to as much as is asked for."""
    buffer = io.BytesIO(word())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("word/bomb.xml", "w", force_zip64=True) as entry:
            for _ in range(megabytes):
                entry.write(b"<" * 1_000_000)
    return buffer.getvalue()


def docx_with_entities() -> bytes:
    """A Word document whose XML declares entities within entities ("billion laughs") and one for a local file."""
    source = zipfile.ZipFile(io.BytesIO(word()))
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE w [<!ENTITY a0 "ha">{laughs}<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/document.xml":
                head, _, rest = content.partition(b"?>")
                content = head + b"?>" + doctype.encode() + rest.replace(b"Listen", b"&a9;&file;Listen")
            archive.writestr(name, content)
    return buffer.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "article.md": markdown,
    "article.txt": plain,
    "article.html": html,
    "article.pdf": pdf,
    "article.docx": word,
    "encrypted.pdf": encrypted_pdf,
    "none.pdf": pdf_that_is_none,
    "scanned.pdf": scanned_pdf,
}


def main() -> None:
    """Writes the files into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main()
