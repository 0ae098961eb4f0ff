"""Answers made from rows."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import JSONResponse


class RowsResponse(JSONResponse):
    """JSON by orjson, for rows read from tables: return it as it is, and FastAPI validates nothing twice."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=str)
