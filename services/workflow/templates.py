"""Templates, which generation keeps, filled with what a user sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.events.workflow import TemplateUse
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline

_PATIENCE = 5.0  # seconds


class Templates:
    """Asks generation, on behalf of whoever was let in here."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def filled(
        self,
        user_id: UUID,
        template_id: UUID,
        given: Mapping[str, str],
        variables: Mapping[str, str],
        *,
        as_source: bool,
    ) -> tuple[TemplateUse, str]:
        """The use of a template, and its prompt filled; `given` are values that the user need not send.

        Raises generation's own Problem: 404 for a template that the user may not see, 422 for values that are missing
        or known to no placeholder, and, with `as_source`, for a template that is no text to make posts of.
        """
        answer = await self._client.request(
            "generation",
            "POST",
            f"/internal/templates/{template_id}/fill",
            json={"user_id": user_id, "given": given, "variables": variables, "as_source": as_source},
            deadline=Deadline.after(_PATIENCE),
        )
        body: Mapping[str, Any] = answer.good()
        return TemplateUse(template_id=template_id, name=body["name"], variables=dict(variables)), body["text"]
