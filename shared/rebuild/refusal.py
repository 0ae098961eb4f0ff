"""Why a rebuild does not happen, or stops."""

from __future__ import annotations


class Refused(Exception):
    """Nothing was changed; the sentence says why, and what to do."""


class Interrupted(Refused):
    """Something else has to be mended first; what is filled so far is kept."""
