"""What a model may answer for a post, and what is wrong with an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, Field

from shared.platforms import Platform, longest
from shared.threads import numbered

from .forms import form
from .port import Request
from .sentences import squeeze

# A blog of so many words more than asked for is still read; of twice as many it is another task.
_MOST_POSTS: Final = 10  # of a thread
_TOO_MANY_WORDS: Final = 1.25
_CHARACTERS_A_WORD: Final = 20
_TELLING: Final = 40  # characters of the instructions that do not stand in an answer by chance
_REFUSING: Final = re.compile(
    r"\A\W*((?:i(?:['’]m| am) (?:very )?sorry|sorry|i apologi[sz]e|unfortunately|i can(?:no|['’])t|as an ai|죄송)"
    r".{0,120}?(?:assist|help|comply|fulfil|provide|writ|creat|generat|request|language model|없습니다))",
    re.IGNORECASE | re.DOTALL,
)
# Marks that show nothing, or turn what follows around: no post needs them, and a reviewer would not see them.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NO_TAG: Final = re.compile(r"[^\w]+")
_LINK: Final = re.compile(r"(?:https?://|www\.)[^\s\])>\"'<]+", re.IGNORECASE)


class Post(BaseModel):
    """The form of an answer."""

    title: str = Field(max_length=200)
    content: str = Field(min_length=1, max_length=100_000)
    hashtags: list[str] = Field(default_factory=list, max_length=100)


@cache
def instructions() -> str:
    """The prompt that every request goes with."""
    return (files(__package__) / "prompts" / "write.md").read_text("utf-8")


def seen(text: str) -> str:
    """The text without control characters."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n"))


def tags(post: Post, request: Request) -> tuple[str, ...]:
    """The hashtags of an answer, each of letters, digits and underscores, at most as many as fit."""
    words = (_NO_TAG.sub("", tag) for tag in post.hashtags)
    return tuple(dict.fromkeys(f"#{word}" for word in words if word))[: form(request).hashtags[1]]


def fault(post: Post, request: Request) -> str:
    """What is wrong with an answer, in a sentence that the model is told; empty for a good one."""
    content = seen(post.content).strip()
    if not content:
        return "The content is empty."
    if request.previous and squeeze(content) == squeeze(request.previous):
        return "The content is the previous draft unchanged: act on the feedback."
    given = _given(request)
    return (
        _too_long(content, form(request))
        or _refused(content, given)
        or _tells_the_instructions(f"{post.title}\n{content}", given)
        or _invents_a_link(f"{post.title}\n{content}", given)
    )


def _too_long(content: str, platform: Platform) -> str:
    length = longest(platform, content)
    if platform.max_length is not None and length > platform.max_length:
        return f"The content counts {length} characters on {platform.name}; at most {platform.max_length} are allowed."
    if platform.threads and (posts := len(numbered(content))) > _MOST_POSTS:
        return f"The thread has {posts} posts; at most {_MOST_POSTS} are read."
    if platform.max_words is None:
        return ""
    words = len(content.split())
    if words > platform.max_words * _TOO_MANY_WORDS or len(content) > platform.max_words * _CHARACTERS_A_WORD:
        return f"The content has {words} words; at most {platform.max_words} are allowed."
    return ""


def _refused(content: str, given: str) -> str:
    found = _REFUSING.match(content)
    if found is None or squeeze(found[1]) in given:
        return ""
    return "The content is a refusal, not a post: write the post from the source."


def _tells_the_instructions(text: str, given: str) -> str:
    said = squeeze(text).casefold()
    if any(line in said and line not in given.casefold() for line in _own_lines()):
        return "The content repeats these instructions: write the post from the source."
    return ""


def _invents_a_link(text: str, given: str) -> str:
    for link in _LINK.findall(text):
        # What ends a sentence is no part of it.
        if link.rstrip(".,;:!?*_") not in given:
            return "The content has a link that does not stand in the source: leave it out."
    return ""


@cache
def _own_lines() -> Sequence[str]:
    lines = (squeeze(line.strip("-# ")).casefold() for line in instructions().splitlines())
    return tuple(line for line in lines if len(line) >= _TELLING)


def _given(request: Request) -> str:
    """Everything that was handed in, which alone may come back."""
    source, options = request.source, request.options
    asked = (str(options.get(name) or "") for name in ("topic", "brief"))
    parts = (source.title, source.text, source.url, request.previous, request.feedback, *asked)
    return squeeze("\n".join(part for part in parts if part))
