"""What the API of styles and tones gives."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.style import Style


class StyleProfile(BaseModel):
    """How you write, as your samples show it."""

    platform: str = Field(description="For which it holds; empty for all.")
    samples: int = Field(description="How many samples it is drawn from.")
    style: Style | None = Field(description="The measures; null without samples.")
    formality: float | None = Field(description="0, as in a chat, to 1, as in a report.")
    description: list[str] = Field(
        description="The same in words.", examples=[["Sentences have 9 words on average and are of varied length."]]
    )


class Tone(BaseModel):
    """A tone that drafts can be asked for."""

    name: str = Field(examples=["casual"])
    about: str = Field(description="What a draft in it is like.")


class Tones(BaseModel):
    """Every tone there is."""

    items: list[Tone]
