"""Passwords: how strong they must be, and bcrypt (cost 12) off the event loop.

bcrypt reads 72 bytes. A longer password is refused instead of hashed first: the stored hashes stay plain bcrypt, which
any other system can verify, and 72 bytes hold 24 Korean syllables.
"""

import asyncio
import os
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import bcrypt
from zxcvbn import zxcvbn

MIN_LENGTH = 8
MAX_BYTES = 72
COST = 12
# Below a million guesses (score 0 or 1) a password is a common one, or one with the usual substitutions.
LEAST_SCORE = 2
# Well formed and of the same cost, so that an unknown user takes as long as a wrong password.
NOBODYS_HASH = f"$2b${COST}${'.' * 53}".encode()

# bcrypt lets go of the interpreter lock, so threads suffice; their number bounds what a flood of log-ins can take.
_pool = ThreadPoolExecutor(max_workers=max(1, min(4, os.cpu_count() or 1)), thread_name_prefix="bcrypt")


class WeakPassword(ValueError):
    """The password may not be used; the message says what to change. HTTP 422."""


def check_strength(password: str, personal: Collection[str] = ()) -> None:
    """Raises WeakPassword unless the password is long enough, varied, not a common one and not made of `personal` words
    (user name, e-mail address).
    """
    password = _normalised(password)
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"The password is too short. Use at least {MIN_LENGTH} characters.")
    if len(password.encode()) > MAX_BYTES:
        raise WeakPassword(
            f"The password is too long. Use at most {MAX_BYTES} Latin or {MAX_BYTES // 3} Korean characters."
        )
    if "\0" in password:
        raise WeakPassword("The password holds a NUL character. Leave it out.")
    missing = [
        name
        for name, found in (
            ("an upper-case letter", any(c.isupper() for c in password)),
            ("a lower-case letter", any(c.islower() for c in password)),
            ("a digit", any(c.isdigit() for c in password)),
        )
        if not found
    ]
    if missing:
        raise WeakPassword(f"The password lacks {' and '.join(missing)}. Add what is missing.")
    if zxcvbn(password, user_inputs=list(personal), max_length=MAX_BYTES)["score"] < LEAST_SCORE:
        raise WeakPassword(
            "The password is too easy to guess. Use a longer one, or one made of several unrelated words."
        )


async def hash_password(password: str) -> str:
    """The bcrypt hash (60 ASCII characters), for about a quarter of a second of one core. Raises WeakPassword."""
    encoded = _normalised(password).encode()
    if len(encoded) > MAX_BYTES or b"\0" in encoded:
        raise WeakPassword(f"The password cannot be hashed. Use at most {MAX_BYTES} bytes without NUL characters.")
    return await asyncio.get_running_loop().run_in_executor(_pool, _hash, encoded)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether the password fits the hash; `None` (no such user) takes as long and is False."""
    encoded = _normalised(password).encode()
    return await asyncio.get_running_loop().run_in_executor(_pool, _verify, encoded, hashed)


def _normalised(password: str) -> str:
    # The same characters typed on two systems may differ in bytes (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password)


def _hash(encoded: bytes) -> str:
    return bcrypt.hashpw(encoded, bcrypt.gensalt(COST)).decode()


def _verify(encoded: bytes, hashed: str | None) -> bool:
    if hashed is not None and len(encoded) <= MAX_BYTES:
        # A stored text that is no bcrypt hash (of an erased account, say) fits nobody.
        with suppress(ValueError):
            return bcrypt.checkpw(encoded, hashed.encode())
    bcrypt.checkpw(encoded[:MAX_BYTES], NOBODYS_HASH)
    return False
