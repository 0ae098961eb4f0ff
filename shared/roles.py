"""What a user may be. Each role may do what those before it may."""

from __future__ import annotations

from typing import Literal

Role = Literal["viewer", "reviewer", "moderator", "admin"]

ROLES: tuple[Role, ...] = ("viewer", "reviewer", "moderator", "admin")

# What the token of a trial says instead: no role, so nothing that takes one is open to it.
TRIAL = "trial"


def from_on(least: Role) -> tuple[Role, ...]:
    """This role and those above it."""
    return ROLES[ROLES.index(least) :]


def may(role: str, least: Role) -> bool:
    """Whether a token's role is `least` or above; a role that nobody knows is none."""
    return role in from_on(least)
