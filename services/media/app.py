"""The media service, put together."""

from __future__ import annotations

from contracts import registry
from services.media import projections, reactions
from services.media.api import routers
from services.media.domain import file, resource
from services.media.settings import MAX_BODY_BYTES, MAX_RESOURCE_BYTES, MediaSettings
from services.media.tools import tools
from shared.kit import Service

service = Service(
    name="media",
    settings=MediaSettings,
    registry=registry,
    deciders=[file.decider, resource.decider],
    projections=[projections],
    reactions=[reactions],
    routers=routers,
    tools=tools,
    body_limits={
        "/api/v1/files": MAX_BODY_BYTES,
        "/api/v1/files/from-url": 65_536,
        "/api/v1/resources": MAX_RESOURCE_BYTES,
        "/internal/texts": MAX_BODY_BYTES,
    },
    deadlines={"/api/v1/files": 120.0},
)
