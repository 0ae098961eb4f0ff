"""The gateway's merged OpenAPI document, made from the services as they are built, without starting any."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from contracts.registry import services
from services.gateway.app import build as build_gateway
from services.gateway.openapi import merge
from services.gateway.settings import GatewaySettings
from shared.kit import Service
from shared.runtime import build
from shared.security.fields import generate_key
from shared.settings import ServiceSettings


def service_of(name: str) -> Service:
    """A service's definition."""
    return cast(Service, import_module(f"services.{name}.app").service)


def settings_of(name: str) -> type[ServiceSettings]:
    """A service's settings class, the gateway's too."""
    return GatewaySettings if name == "gateway" else service_of(name).settings


def openapi() -> dict[str, Any]:
    """What `/openapi.json` answers when every service is there."""
    documents = {}
    for name in services():
        service = service_of(name)
        settings = service.settings(field_keys=generate_key())
        documents[name] = build(service, settings, "http").openapi()
    return merge(documents, build_gateway(GatewaySettings()).openapi())
