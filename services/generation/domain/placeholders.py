"""The {placeholders} of a prompt: found, checked and filled. `{{` and `}}` stand for braces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from shared.decider import Invalid

# What every output brings along; any other placeholder is a variable that whoever asks for an output sends.
GIVEN: Final = ("topic", "title", "kind", "platform", "tone_of_voice", "target_length")
MOST: Final = 30
LONGEST: Final = 20_000  # characters of a filled prompt

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def placeholders(prompt: str) -> tuple[str, ...]:
    """The names in the prompt, each once, in order. Raises Invalid for a brace that closes nothing or names nothing."""
    found: dict[str, None] = {}
    for part in _PART.finditer(prompt):
        if part[0] in ("{{", "}}"):
            continue
        name = part[1]
        if name is None:
            where = f"The {part[0]} at character {part.start() + 1} of the prompt has no partner"
            raise Invalid(f"{where}; write a placeholder as {{topic}}, and a brace as {part[0] * 2}.")
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"{{{name}}} is no placeholder: a name is a letter and then letters, digits or _, at most 40 in all. "
                "Write braces that are meant as braces twice."
            )
        found[name] = None
    if len(found) > MOST:
        raise Invalid(f"The prompt has {len(found)} placeholders; at most {MOST} are allowed.")
    return tuple(found)


def variables(prompt: str) -> tuple[str, ...]:
    """The placeholders for which whoever uses the prompt has to send a value."""
    return tuple(name for name in placeholders(prompt) if name not in GIVEN)


def unknown(prompt: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that no placeholder has."""
    known = placeholders(prompt)
    return tuple(name for name in names if name not in known)


def fill(prompt: str, given: Mapping[str, str], sent: Mapping[str, str]) -> str:
    """The prompt with every placeholder replaced by what was sent for it, else by what is given anyway.

    Raises Invalid, naming what is missing, or what was sent and is no placeholder, and for more than 20,000 characters.
    """
    values = {**given, **sent}
    names = placeholders(prompt)
    if missing := [name for name in names if name not in values]:
        detail = f"The template wants a value for {', '.join(missing)}; send it in `variables`."
        raise Invalid(detail, missing=missing)
    if astray := unknown(prompt, sent):
        has = f"it has {', '.join(names)}" if names else "it has none"
        detail = f"The template has no placeholder {', '.join(astray)} ({has}); correct the name, or leave it out."
        raise Invalid(detail, unknown=list(astray))
    filled = replaced(prompt, values)
    if len(filled) > LONGEST:
        detail = f"The filled template has {len(filled):,} characters; shorten what you send to {LONGEST:,} in all."
        raise Invalid(detail)
    return filled


def replaced(prompt: str, values: Mapping[str, str]) -> str:
    """The prompt with every placeholder replaced that has a value; the others stay as they are."""

    def one(part: re.Match[str]) -> str:
        return part[0][0] if part[1] is None else values.get(part[1], part[0])

    # A value is put in as it is: braces in it are text.
    return _PART.sub(one, prompt)
