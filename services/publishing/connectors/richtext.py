"""What Bluesky is told about a text beside the text: where its links and hashtags are, in bytes of UTF-8.

Source: https://docs.bsky.app/docs/advanced-guides/post-richtext and the lexicon app.bsky.richtext.facet.
"""

from __future__ import annotations

from typing import Any, Final

from services.publishing.connectors.hashtags import WORD
from shared.weighted_text import url_spans

_LONGEST_TAG: Final = 64  # graphemes; letters and digits here, so code points err towards less


def facets(text: str) -> list[dict[str, Any]]:
    """The facets of a text in NFC, in order."""
    links = url_spans(text)
    found = [(start, end, _link(text[start:end])) for start, end in links]
    for word in WORD.finditer(text):
        inside = any(start < word.end() and word.start() < end for start, end in links)
        if not inside and len(word[1]) <= _LONGEST_TAG:
            tag = {"$type": "app.bsky.richtext.facet#tag", "tag": word[1]}
            found.append((word.start(), word.end(), tag))
    return [
        {"index": {"byteStart": _bytes(text[:start]), "byteEnd": _bytes(text[:end])}, "features": [feature]}
        for start, end, feature in sorted(found, key=lambda each: each[0])
    ]


def _link(shown: str) -> dict[str, Any]:
    uri = shown if "://" in shown else f"https://{shown}"
    return {"$type": "app.bsky.richtext.facet#link", "uri": uri}


def _bytes(text: str) -> int:
    return len(text.encode())
