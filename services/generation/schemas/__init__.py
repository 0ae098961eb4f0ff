"""What the generation API takes and gives, one module a subject."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

# PostgreSQL's text cannot hold NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class In(BaseModel):
    """What is sent: a member that is not known is refused rather than passed by."""

    model_config = ConfigDict(extra="forbid")
