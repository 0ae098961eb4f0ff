"""Connectors: how a post reaches each platform."""

from services.publishing.connectors.factory import build
from services.publishing.connectors.port import (
    Connection,
    Connector,
    ErrorClass,
    Image,
    Measuring,
    Post,
    Published,
    PublishError,
    Withheld,
)

__all__ = [
    "Connection",
    "Connector",
    "ErrorClass",
    "Image",
    "Measuring",
    "Post",
    "PublishError",
    "Published",
    "Withheld",
    "build",
]
