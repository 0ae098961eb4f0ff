"""The templates that the platform offers to everybody."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files

from services.generation.domain.template import OfferTemplate
from shared.ids import derive


def offered() -> Sequence[OfferTemplate]:
    """One command a template; however often it is carried out, there is one template of a type and name."""
    found = tomllib.loads((files(__package__) / "system_templates.toml").read_text("utf-8"))
    return [
        OfferTemplate(
            template_id=derive("system_template", each["type"], each["name"]),
            name=each["name"],
            type=each["type"],
            prompt=each["prompt"].strip(),
        )
        for each in found["template"]
    ]
