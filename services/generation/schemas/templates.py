"""What the templates API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from contracts.events.generation import TemplateType
from services.generation.schemas import In, Name, Text

Prompt = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")
]

_PROMPT = "Write a blog post about {topic} for {audience}. Tone: {tone_of_voice}."


class NewTemplate(In):
    """A prompt to write outputs by."""

    name: Name = Field(examples=["Tech blog deep dive"])
    type: TemplateType = Field(description="What it is for.")
    prompt: Prompt = Field(description="The prompt; `{name}` is a placeholder, `{{` a brace.", examples=[_PROMPT])


class TemplateChange(In):
    """New values; what is left out stays."""

    name: Name | None = None
    type: TemplateType | None = None
    prompt: Prompt | None = Field(None, examples=[_PROMPT])


class Template(BaseModel):
    """A prompt with placeholders."""

    id: UUID
    name: str = Field(examples=["Tech blog deep dive"])
    type: TemplateType
    prompt: str = Field(examples=[_PROMPT])
    is_custom: bool = Field(description="Yours; false: the platform's own, which everybody may use and nobody change.")
    placeholders: list[str] = Field(description="The names in the prompt.", examples=[["topic", "audience"]])
    variables: list[str] = Field(description="Those of them for which you send a value.", examples=[["audience"]])
    created_at: datetime
    updated_at: datetime


class PreviewIn(In):
    """Values to fill the prompt with."""

    variables: dict[Name, Annotated[Text, Field(max_length=2000)]] = Field(
        default_factory=dict, max_length=40, examples=[{"topic": "compost", "audience": "gardeners"}]
    )


class Preview(BaseModel):
    """The prompt as an engine would get it."""

    prompt: str = Field(description="What has no value yet still stands in braces.")
    missing: list[str] = Field(description="Placeholders without a value.")
    unknown: list[str] = Field(description="What you sent a value for although the prompt does not name it.")


class FillIn(In):
    """What a template is filled with, for a user: values that are there anyway, and those that they sent."""

    user_id: UUID
    given: dict[str, str]
    variables: dict[str, str]
    as_source: bool = Field(description="Whether the filled template is to be the text that posts are made of.")


class Filled(BaseModel):
    """A template's name, and its prompt filled."""

    name: str
    text: str
