"""Images inside an article that lie elsewhere: taken along to where the article goes, never linked from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import filetype
from markdown_it.token import Token

from services.publishing.connectors import blog_pages as pages
from services.publishing.connectors.port import PublishError
from shared.security.fetch import FetchFailed, UnsafeUrl, fetch

_MOST: Final = 20  # images of one article that are taken along
_LARGEST: Final = 10_000_000
_SECONDS: Final = 8.0
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

Keep = Callable[[bytes, str, str], Awaitable[str]]


async def rendered(markdown: str, keep: Keep, *, allow_private: bool) -> str:
    """The article's HTML with its images where `keep` (bytes, media type, name) has put them.

    An image that cannot be had, or is not taken, becomes a link to it. Raises what else `keep` raises.
    """
    tokens = pages.parsed(markdown)
    places: dict[str, str | None] = {}
    for image in _images(tokens):
        source = str(image.attrs.get("src", ""))
        if source not in places:
            name = f"image-{len(places) + 1}"
            places[source] = await _moved(source, name, keep, allow_private) if len(places) < _MOST else None
    for token in tokens:
        if token.children:
            token.children = [new for child in token.children for new in _placed(child, places)]
    return pages.rendered_tokens(tokens)


async def _moved(source: str, name: str, keep: Keep, allow_private: bool) -> str | None:
    try:
        found = await fetch(source, max_bytes=_LARGEST, timeout=_SECONDS, allow_private=allow_private)
    except (FetchFailed, UnsafeUrl):
        return None
    kind = filetype.guess_mime(found.body)
    if kind not in _ENDINGS:
        return None
    try:
        return await keep(found.body, kind, f"{name}.{_ENDINGS[kind]}")
    except PublishError as error:
        if error.error_class == "bad_content":  # not taken, though it looks like an image
            return None
        raise


def _images(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from (child for child in token.children or () if child.type == "image")


def _placed(child: Token, places: dict[str, str | None]) -> list[Token]:
    if child.type != "image":
        return [child]
    source = str(child.attrs.get("src", ""))
    if place := places[source]:
        child.attrs["src"] = place
        return [child]
    said = Token("text", "", 0, content=child.content or source)
    return [Token("link_open", "a", 1, attrs={"href": source}), said, Token("link_close", "a", -1)]
