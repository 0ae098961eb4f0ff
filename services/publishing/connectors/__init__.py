"""Connectors: how a post reaches each platform."""

from services.publishing.connectors.factory import build
from services.publishing.connectors.port import (
    Connection,
    Connector,
    ErrorClass,
    Image,
    Post,
    Published,
    PublishError,
)

__all__ = ["Connection", "Connector", "ErrorClass", "Image", "Post", "PublishError", "Published", "build"]
