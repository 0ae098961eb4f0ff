"""How a user wants the images of one account described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import CaptionSettingsChanged, CaptionSettingsErased
from shared.decider import Decider, Invalid
from shared.ids import derive


@dataclass(frozen=True, slots=True)
class CaptionChoices:
    """Lengths in characters; `processing_delay` in seconds between two images."""

    max_posts_per_run: int = 50
    max_caption_length: int = 500
    optimal_min_length: int = 80
    optimal_max_length: int = 200
    reprocess_existing: bool = False
    processing_delay: float = 1.0


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    choices: CaptionChoices | None = None  # None: never chosen, or erased
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeCaptionSettings:
    user_id: UUID
    connection_id: UUID
    choices: CaptionChoices
    now: datetime

    @property
    def caption_settings_id(self) -> UUID:
        """One for each account of a user."""
        return settings_id(self.user_id, self.connection_id)


@dataclass(frozen=True, slots=True)
class EraseCaptionSettings:
    caption_settings_id: UUID
    user_id: UUID


Command = ChangeCaptionSettings | EraseCaptionSettings


def settings_id(user_id: UUID, connection_id: UUID) -> UUID:
    """The id of a user's settings for one account."""
    return derive("caption_settings", user_id, connection_id)


def decide(command: Command, settings: CaptionSettings) -> Sequence[Event]:
    match command:
        case ChangeCaptionSettings(choices=choices):
            if not choices.optimal_min_length <= choices.optimal_max_length <= choices.max_caption_length:
                raise Invalid(
                    "The lengths contradict each other: `optimal_min_length` is at most `optimal_max_length`, "
                    "and that at most `max_caption_length`."
                )
            if choices == settings.choices:
                return []
            return [_changed(command, settings.created_at or command.now)]
        case EraseCaptionSettings():
            if settings.choices is None:
                return []
            erased = CaptionSettingsErased(caption_settings_id=command.caption_settings_id, user_id=command.user_id)
            return [erased]


def _changed(command: ChangeCaptionSettings, created_at: datetime) -> CaptionSettingsChanged:
    choices = command.choices
    return CaptionSettingsChanged(
        caption_settings_id=command.caption_settings_id,
        user_id=command.user_id,
        connection_id=command.connection_id,
        max_posts_per_run=choices.max_posts_per_run,
        max_caption_length=choices.max_caption_length,
        optimal_min_length=choices.optimal_min_length,
        optimal_max_length=choices.optimal_max_length,
        reprocess_existing=choices.reprocess_existing,
        processing_delay=choices.processing_delay,
        created_at=created_at,
    )


def evolve(settings: CaptionSettings, event: Event) -> CaptionSettings:
    match event:
        case CaptionSettingsChanged():
            choices = CaptionChoices(
                event.max_posts_per_run,
                event.max_caption_length,
                event.optimal_min_length,
                event.optimal_max_length,
                event.reprocess_existing,
                event.processing_delay,
            )
            return CaptionSettings(choices, event.created_at)
        case CaptionSettingsErased():
            return CaptionSettings()
        case _:
            return settings


decider: Decider[CaptionSettings] = Decider(
    stream="caption_settings",
    initial=CaptionSettings(),
    decide=decide,
    evolve=evolve,
    commands=(ChangeCaptionSettings, EraseCaptionSettings),
    stream_id=lambda command: command.caption_settings_id,
)
