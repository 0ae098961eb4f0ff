"""An article out of a post: its title, its body, and the name it keeps in addresses."""

from __future__ import annotations

from slugify import slugify

from services.publishing.connectors import blog_pages as pages
from services.publishing.connectors.port import Post


def slug_of(post: Post) -> str:
    """The words of the title, then the random end of the job's id."""
    words = slugify(title_and_body(post)[0], max_length=60, word_boundary=True)
    return f"{words or 'article'}-{post.job_id.hex[-12:]}"


def title_and_body(post: Post) -> tuple[str, str]:
    """The title stands once: a first heading that is the title, or that serves as one, leaves the body."""
    body = pages.readable(post.content).strip()
    first, _, rest = body.partition("\n")
    heading = " ".join(first[2:].split()) if first.startswith("# ") else ""
    title = " ".join(pages.readable(post.title).split()) or heading or "Untitled"
    return title, (rest.strip() or body) if heading.casefold() == title.casefold() else body
