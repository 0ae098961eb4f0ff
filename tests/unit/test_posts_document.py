"""The committed document of sample posts shows every platform and tone there is, and posts that could go out."""

from __future__ import annotations

import re

from deploy.docs import posts
from services.generation.engines import provenance
from services.generation.engines.forms import FORMS
from services.generation.engines.tones import tones
from shared.platforms import longest
from shared.threads import numbered

COMMITTED = (posts.ROOT / posts.DOCUMENT).read_text("utf-8")
ARTICLE = (posts.ROOT / posts.ARTICLE).read_text("utf-8")
KOREAN = (posts.ROOT / posts.KOREAN).read_text("utf-8")
TITLE = "Keeping a small bakery's bread fresh without waste"


def sections(document: str) -> dict[str, list[str]]:
    """Heading → the posts below it."""
    found: dict[str, list[str]] = {}
    # Pieces between fences: the odd ones are posts, whose own headings are none of the document's.
    for number, piece in enumerate(re.split(r"^~~~~(?:markdown)?$", document, flags=re.M)):
        if number % 2:
            found[list(found)[-1]].append(piece.strip("\n"))
        else:
            found |= {heading: [] for heading in re.findall(r"^#{2,3} .+$", piece, re.M)}
    return found


def test_the_document_has_the_sections_that_the_engine_gives_it_now() -> None:
    assert list(sections(COMMITTED)) == list(sections(posts.document()))
    assert len(sections(COMMITTED)) == len(FORMS) + len(tones()) + 2


def test_every_post_in_it_is_faithful() -> None:
    found = sections(COMMITTED)
    korean = found.pop("## Korean, on LinkedIn")
    found["## In the style of a sample"] = found["## In the style of a sample"][1:]
    for text, content in [(KOREAN, post) for post in korean] + [(ARTICLE, p) for each in found.values() for p in each]:
        assert [piece for piece, origin in provenance(content, text, TITLE) if origin == "missing"] == []


def test_every_post_in_it_fits_its_platform() -> None:
    for name in ("linkedin", "x", "bluesky", "instagram"):
        (post,) = next(found for heading, found in sections(COMMITTED).items() if heading.lower() == f"## {name}")
        assert longest(FORMS[name], post) <= (FORMS[name].max_length or 0)
    (thread,) = sections(COMMITTED)["## X"]
    assert len(numbered(thread)) > 3
