"""What all routes of generation use."""

from __future__ import annotations

from fastapi import Request

from shared.kit import Kit


def kit_of(request: Request) -> Kit:
    """The kit that serves the request."""
    kit: Kit = request.app.state.kit
    return kit
