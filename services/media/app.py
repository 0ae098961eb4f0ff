"""The media service, put together."""

from __future__ import annotations

from contracts import registry
from services.media import erasing, image_reactions, media_file_reactions, projections, reactions, retention
from services.media.api import routers
from services.media.domain import file, image, kept_post, media_file, resource
from services.media.settings import MAX_BODY_BYTES, MAX_RESOURCE_BYTES, MediaSettings
from services.media.tools import tools
from shared.kit import Service
from shared.retention.everywhere import EVERYWHERE

service = Service(
    name="media",
    settings=MediaSettings,
    registry=registry,
    deciders=[file.decider, resource.decider, kept_post.decider, image.decider, media_file.decider],
    projections=[projections],
    reactions=[reactions, image_reactions, media_file_reactions, erasing],
    routers=routers,
    retention=[*retention.RULES, *EVERYWHERE],
    tools=tools,
    body_limits={
        "/api/v1/files": MAX_BODY_BYTES,
        "/api/v1/files/from-url": 65_536,
        "/api/v1/images": MAX_BODY_BYTES,
        "/api/v1/resources": MAX_RESOURCE_BYTES,
        "/internal/texts": MAX_BODY_BYTES,
    },
    deadlines={"/api/v1/files": 120.0, "/api/v1/images": 120.0},
)
