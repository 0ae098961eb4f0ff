"""Text that JSON can write but no table and no event can hold is refused before anything looks at it."""

from __future__ import annotations

import re
from typing import Any

import orjson
from fastapi import Request

from shared.http.problem import Problem

# U+0000 and surrogates as JSON may escape them; whole pairs of surrogates (emoji) are fine and looked at again.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


async def refuse_unstorable_text(request: Request) -> None:
    """Raises a 422 Problem when the JSON body holds U+0000 or half a surrogate pair."""
    body: bytes = getattr(request, "_body", b"")
    if not _SUSPICIOUS.search(body):
        return
    try:
        # orjson refuses half pairs; what is no JSON at all is for others to refuse.
        if not _holds_nul(orjson.loads(body)):
            return
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            return
    raise unstorable_text()


def unstorable_text() -> Problem:
    """The 422 for text that cannot be stored."""
    detail = "The text holds a character that cannot be stored, such as U+0000; remove it and send it again."
    return Problem(422, "unstorable-text", "Text cannot be stored", detail)


def _holds_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text) if "\x00" in text:
                return True
            case list(items):
                waiting += items
            case dict(members):
                waiting += [*members.keys(), *members.values()]
    return False
