"""How users write, and the tones there are, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.generation.engines.forms import FORMS
from services.generation.engines.tones import tones
from services.generation.schemas.style import StyleProfile, Tone, Tones
from services.generation.styles import samples_of
from shared.decider import Invalid
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.style import described, profile

router = APIRouter(prefix="/api/v1", tags=["style"])


@router.get("/style-profile")
async def read_profile(
    request: Request,
    user: CurrentUser,
    platform: Annotated[str, Query(max_length=50, description="Where a text goes; all samples if left out.")] = "",
    language: Annotated[
        str, Query(max_length=3, description="ISO 639-1 code; else the language most samples are in.")
    ] = "",
) -> StyleProfile:
    """The style that your drafts are held to: the measures of your samples (resources of type `style_sample`).

    Samples whose metadata names the `platform` count alone where there are any; else the others, without the form.
    """
    if platform and platform not in FORMS:
        raise Invalid(f"Nothing is written for {platform!r}; use one of {', '.join(FORMS)}, or leave it out.")
    async with kit_of(request).database.reading(user.user_id) as connection:
        samples = await samples_of(connection, user.user_id)
    style = profile(samples, platform, language)
    return StyleProfile(
        platform=platform,
        samples=0 if style is None else style.texts,
        style=style,
        formality=None if style is None else style.formality,
        description=["There is no sample yet; add one as a resource of type style_sample."]
        if style is None
        else described(style),
    )


@router.get("/tones")
async def list_tones(user: CurrentUser) -> Tones:
    """The tones by name; others are taken for the one whose words they use, else for the first."""
    return Tones(items=[Tone(name=name, about=tone.about) for name, tone in tones().items()])
