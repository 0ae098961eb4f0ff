"""Keys of records in a repository of the AT Protocol, derived so that the same post always gets the same key.

Source: https://atproto.com/specs/tid: 53 bits of microseconds, then 10 bits that tell writers apart, in 13 letters.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_LETTERS: Final = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def tid(job_id: UUID, asked_at: datetime, part: int) -> str:
    """The key of the `part`-th post (from 0) of a job's thread: later parts sort later."""
    # Bits of the id keep apart what was asked for in the same millisecond.
    milliseconds = (asked_at - _EPOCH) // timedelta(milliseconds=1)
    micros = milliseconds * 1000 + (job_id.int >> 10) % 900 + part
    number = (micros << 10 | job_id.int & 0x3FF) & 0x7FFF_FFFF_FFFF_FFFF
    return "".join(_LETTERS[number >> shift & 31] for shift in range(60, -1, -5))
