"""Routes for other services only: they show the internal token."""

from __future__ import annotations

import hmac

from fastapi import Depends, Request

from shared.http.problem import Problem

HEADER = "X-Presswork-Internal-Token"


def _require_internal(request: Request) -> None:
    expected: str = request.app.state.kit.settings.internal_token
    shown = request.headers.get(HEADER, "")
    # An empty secret opens nothing, and the comparison takes as long for a near miss as for any other.
    if not expected or not hmac.compare_digest(shown.encode("latin-1"), expected.encode()):
        detail = "This address is for services of the platform only; use the public API."
        raise Problem(403, "forbidden", "Forbidden", detail)


InternalOnly = Depends(_require_internal)
