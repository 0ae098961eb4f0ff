"""What the workers and routes of generation need: an engine, the sources, and the materials of outputs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from services.generation.budget import Purse, limits_of, standing
from services.generation.engines.factory import build
from services.generation.engines.offline import OfflineEngine
from services.generation.engines.port import Engine
from services.generation.offered import offered
from services.generation.settings import GenerationSettings
from services.generation.sources import Sources
from services.generation.upstream import Materials
from shared.http.live import Live
from shared.kit import Kit


@dataclass(frozen=True, slots=True)
class Tools:
    engine: Engine
    sources: Sources
    materials: Materials
    live: Live
    minds_style: bool  # whether the engine goes by the user's samples, so that they are worth reading


@asynccontextmanager
async def tools(kit: Kit) -> AsyncIterator[Tools]:
    """An engine that is ready to write. Raises ValueError for a model that is not fully configured."""
    settings = kit.settings
    assert isinstance(settings, GenerationSettings)
    assert kit.client is not None
    purse = Purse(partial(standing, kit.database, limits_of(settings)))
    engine = build(
        settings.engine,
        endpoints=settings.endpoints() if settings.engine == "model" else (),
        timeout=settings.model_timeout,
        answer_tokens=settings.model_answer_tokens,
        budget=purse,
        remembered=settings.engine_remembered,
    )
    if isinstance(engine, OfflineEngine):
        await engine.warm_up()
    for command in offered():
        await kit.handle(command, actor=None)
    sources = Sources(kit.database, kit.client, remembered=settings.engine_remembered)
    yield Tools(engine, sources, Materials(kit.client), Live(kit), settings.engine != "instant")
