"""The keys that sign access tokens, from a PEM file."""

from __future__ import annotations

import re
from pathlib import Path

from shared.security.tokens import Signer

_BLOCK = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


def read_signer(file: Path | None) -> Signer:
    """The signer of a file with one or more Ed25519 private keys, the signing one first.

    Raises ValueError when there is no such file or no such key in it.
    """
    if file is None:
        raise ValueError("Set PRESSWORK_SIGNING_KEY_FILE to a PEM file with the Ed25519 private key of access tokens.")
    try:
        blocks = _BLOCK.findall(file.read_bytes())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(
            f"The signing key file {file} cannot be read ({reason}); check path and permissions."
        ) from None
    if not blocks:
        raise ValueError(f"{file} holds no private key in PEM; write an Ed25519 key (PKCS #8) into it.")
    return Signer(*blocks)
