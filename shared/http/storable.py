"""JSON that can be written but that no table and no event can hold is refused before anything looks at it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from fastapi import Request

from shared.http.problem import Problem

MAX_DEPTH = 100  # of lists and objects in each other; what writes JSON stops at 254

# U+0000 and surrogates as JSON may escape them; whole pairs of surrogates (emoji) are fine and looked at again.
_SUSPICIOUS_TEXT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SUSPICIOUS_NUMBER = re.compile(rb"\d{19}")
_INTEGERS = range(-(2**63), 2**63)


async def refuse_unstorable(request: Request) -> None:
    """Raises a 422 Problem when the JSON body holds U+0000, half a surrogate pair, an integer of more than 64 bits, or
    lists and objects more than MAX_DEPTH deep in each other."""
    body: bytes = getattr(request, "_body", b"")
    if _SUSPICIOUS_TEXT.search(body):
        _refuse_text(body)
    if _SUSPICIOUS_NUMBER.search(body):
        _refuse_numbers(body)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _refuse_depth(body)


def unstorable_text() -> Problem:
    """The 422 for text that cannot be stored."""
    detail = "The text holds a character that cannot be stored, such as U+0000; remove it and send it again."
    return Problem(422, "unstorable-text", "Text cannot be stored", detail)


def _refuse_text(body: bytes) -> None:
    try:
        # orjson refuses half pairs; what is no JSON at all is for others to refuse.
        if not _holds_nul(orjson.loads(body)):
            return
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            return
    raise unstorable_text()


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


class _TooBig(ValueError):
    """An integer that 64 bits do not hold."""


def _integer(digits: str) -> int:
    # More than 19 digits never fit, and Python refuses to read thousands of them.
    if len(digits.lstrip("-")) > 19 or (value := int(digits)) not in _INTEGERS:
        raise _TooBig
    return value


def _refuse_numbers(body: bytes) -> None:
    try:
        # Not orjson, which reads big integers as floating point numbers.
        json.loads(body, parse_int=_integer)
    except _TooBig:
        detail = "An integer has more than 64 bits, which cannot be stored; send it as text."
        raise Problem(422, "unstorable-number", "Number cannot be stored", detail) from None
    except (ValueError, RecursionError):
        return  # no JSON, or a form: for others to refuse


def _refuse_depth(body: bytes) -> None:
    try:
        waiting = [(orjson.loads(body), 1)]
    except orjson.JSONDecodeError:
        return
    while waiting:
        value, depth = waiting.pop()
        if not isinstance(value, list | dict):
            continue
        if depth > MAX_DEPTH:
            detail = f"Lists and objects may be at most {MAX_DEPTH} deep in each other; send something flatter."
            raise Problem(422, "nested-too-deeply", "Nested too deeply", detail)
        items = value if isinstance(value, list) else value.values()
        waiting += [(item, depth + 1) for item in items]
