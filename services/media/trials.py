"""What somebody may keep who tries the platform without an account."""

from __future__ import annotations

from services.media import queries
from shared.http.problem import Problem
from shared.kit import Kit
from shared.roles import TRIAL
from shared.security.tokens import Claims


async def stay_within_trial(kit: Kit, user: Claims, size: int) -> None:
    """Raises a 413 Problem when a trial's files would weigh too much with one more of `size` bytes; accounts pass."""
    if user.role != TRIAL:
        return
    most: int = kit.tools.settings.trial_bytes
    async with kit.database.reading(user.user_id) as connection:
        left = max(0, most - await queries.bytes_of(connection, user.user_id))
    if size > left:
        detail = (
            f"The files of a trial may weigh {most:,} bytes together, and {left:,} are left; send a smaller one, "
            "delete one, or sign up."
        )
        raise Problem(413, "trial-full", "Too much for a trial", detail, max_bytes=most, left=left)
