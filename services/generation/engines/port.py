"""The port through which drafts are written: what is asked, what comes back, what an engine is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from shared.llm.spending import Spent
from shared.style import Style


class NothingToWrite(ValueError):
    """The source holds no text at all, so no faithful draft exists."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the draft is made from: Markdown or plain text. An empty `language` (else ISO 639-1) has it detected."""

    title: str
    text: str
    language: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One draft for one platform. `iteration` starts at 1; later ones bring the previous draft and its feedback.

    `options` may hold a `topic` to keep to, the most `words` where words are counted, and a `brief`, the user's prompt,
    which engines that cannot follow one pass by. `style` is how the user's own samples are written, `user_id` whose
    budget it is.
    """

    platform: str
    source: Source
    iteration: int = 1
    feedback: str | None = None
    previous: str | None = None
    tone: str = "professional"
    options: Mapping[str, Any] = field(default_factory=dict)
    style: Style | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A draft: `content` is the whole post, with its hashtags where the platform shows them in the text.

    `preheader` is what an inbox shows beside a newsletter's subject, which is its title. `spent` is what models took,
    also those whose answer was no use.
    """

    title: str
    content: str
    engine: str
    model: str | None = None
    hashtags: tuple[str, ...] = ()
    usage: dict[str, Any] = field(default_factory=dict)
    spent: tuple[Spent, ...] = ()
    preheader: str = ""


class Engine(Protocol):
    """Whatever writes drafts."""

    async def write(self, request: Request) -> Written:
        """Write one draft within the platform's limits.

        Raises NothingToWrite for an empty source and KeyError for an unknown platform.
        """
        ...
