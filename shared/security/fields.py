"""Encrypting single fields (platform credentials, private event fields) with Fernet, under keys that can be rotated."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class NoKeyFits(Exception):
    """The ciphertext was tampered with, or was written under a key that is no longer configured."""


def generate_key() -> str:
    """A new key: 32 random bytes, URL-safe base64 (44 characters)."""
    return Fernet.generate_key().decode()


class FieldCipher:
    """Encrypts with the first key and decrypts with any of them.

    To rotate: put the new key first, `rotate` every stored ciphertext, then drop the old key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError when no key is given or one of them is not a Fernet key."""
        if isinstance(keys, str) or not keys:
            raise ValueError("Give the field encryption keys as a list, the newest first; it may not be empty.")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise ValueError("A field encryption key must be 32 bytes in URL-safe base64 (44 characters).") from error

    def encrypt(self, plain: bytes) -> bytes:
        """The ciphertext: URL-safe base64, about 4/3 of the length plus 100 bytes, never the same twice."""
        return self._fernet.encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        """What was encrypted. Raises NoKeyFits."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise _no_key_fits() from error

    def rotate(self, token: bytes) -> bytes:
        """The same content under the first key, its time of writing kept. Raises NoKeyFits."""
        try:
            return self._fernet.rotate(token)
        except InvalidToken as error:
            raise _no_key_fits() from error


def _no_key_fits() -> NoKeyFits:
    return NoKeyFits(
        "No configured field encryption key opens this value: it was altered, or its key was removed. "
        "Put the key it was written with back at the end of the list."
    )
