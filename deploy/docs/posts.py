"""`python -m deploy.docs.posts` writes docs/posts.md: one article, and what the offline engine makes of it.

Not among the documents that are compared to the letter: the sentence model may weigh a near tie otherwise on another
processor.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.generation.engines.forms import FORMS
from services.generation.engines.offline import OfflineEngine
from services.generation.engines.port import Request, Source, Written
from services.generation.engines.tones import tones
from shared.platforms import Platform, measure
from shared.style import Sample, described, measured, profile
from shared.threads import numbered

ROOT: Final = Path(__file__).parents[2]
ARTICLE: Final = "tests/samples/article.md"
KOREAN: Final = "tests/samples/korean.md"
DOCUMENT: Final = "docs/posts.md"
SAMPLE: Final = """🚀 Nobody reads long posts.

We wrote one anyway. It took us two days. Then we cut it.

We cut it again. You know the rest. Less is more.

#writing #short #posts #work"""
_NAMES: Final = {
    "linkedin": "LinkedIn",
    "x": "X",
    "bluesky": "Bluesky",
    "instagram": "Instagram",
    "email": "E-mail newsletter",
    "blog": "Blog",
    "ghost": "Ghost",
}
_SAME: Final = {"ghost": "blog"}


def document(root: Path = ROOT) -> str:
    """The document, as the engine writes now."""
    return "\n".join(_lines(root))


def _lines(root: Path) -> Iterator[str]:
    engine = OfflineEngine()
    article, korean = (Source("", (root / name).read_text("utf-8")) for name in (ARTICLE, KOREAN))
    yield "# One article, and its posts\n"
    yield f"Made of [{ARTICLE}](../{ARTICLE}) by the offline engine, without a network (`make posts`)."
    yield "Every sentence is the article's, or one of the texts in `services/generation/engines/templates/`.\n"
    for name in sorted(FORMS, key=lambda name: list(_NAMES).index(name) if name in _NAMES else len(_NAMES)):
        if name in _SAME:
            yield f"## {_NAMES[name]}\n\nAs the {_SAME[name]}, published as HTML.\n"
            continue
        yield from _post(f"## {_NAMES.get(name, name)}", FORMS[name], engine.compose(Request(name, article)))
    yield "## The tones, on LinkedIn\n\nProfessional is above.\n"
    for name, tone in tones().items():
        if name != "professional":
            yield f"### {name.capitalize()}\n\n{tone.about}\n"
            yield _fenced(engine.compose(Request("linkedin", article, tone=name)).content)
    style = profile([Sample("linkedin", measured(SAMPLE, "en"))], "linkedin", "en")
    assert style is not None
    yield "## In the style of a sample\n\nThe sample:\n"
    yield _fenced(SAMPLE)
    yield "What it shows:\n"
    yield "\n".join(f"- {sentence}" for sentence in described(style)) + "\n"
    yield "LinkedIn in that style:\n"
    yield _fenced(engine.compose(Request("linkedin", article, style=style)).content)
    yield from _post("## Korean, on LinkedIn", FORMS["linkedin"], engine.compose(Request("linkedin", korean)))


def _post(heading: str, form: Platform, written: Written) -> Iterator[str]:
    yield f"{heading}\n\n{_size(form, written.content)}\n"
    if written.preheader:
        yield f"Subject: {written.title}  \nPreheader: {written.preheader}\n"
    yield _fenced(written.content)


def _size(form: Platform, content: str) -> str:
    if form.max_length is None:
        return f"{len(content.split()):,} words of at most {form.max_words:,}."
    unit = {"characters": "characters", "weighted": "weighted characters", "graphemes": "graphemes"}[form.counting]
    if posts := numbered(content):
        sizes = ", ".join(f"{measure(form, post):,}" for post in posts)
        return f"A thread of {len(posts)} posts: {sizes} of at most {form.max_length:,} {unit} each."
    return f"{measure(form, content):,} of at most {form.max_length:,} {unit}."


def _fenced(content: str) -> str:
    return f"~~~~markdown\n{content}\n~~~~\n"


def main() -> int:
    (ROOT / DOCUMENT).write_text(document(), "utf-8")
    print(f"wrote {DOCUMENT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
