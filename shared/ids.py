"""Identifiers: time-ordered for what is new, derived for what follows from something else."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

from uuid_utils.compat import uuid7

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:presswork")


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by time of creation, which keeps indexes compact."""
    return uuid7()


def derive(*parts: object) -> UUID:
    """The same UUIDv5 for the same parts, so that doing a thing twice names it once."""
    return uuid5(_NAMESPACE, "\x1f".join(map(str, parts)))
