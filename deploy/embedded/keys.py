"""What one installation keeps secret: made once, stored readable by its owner only."""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel, Field


def write_private(file: Path, text: str) -> None:
    """Write `file` atomically with mode 0600."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    scratch.rename(file)


class Keys(BaseModel):
    """The generated secrets; `field_keys` are Fernet keys, newest first."""

    internal_token: str = Field(default_factory=lambda: secrets.token_urlsafe(32))
    field_keys: list[str] = Field(default_factory=lambda: [Fernet.generate_key().decode()])
    passwords: dict[str, str] = {}

    @classmethod
    def of(cls, data_dir: Path, services: tuple[str, ...]) -> "Keys":
        """Those of this data folder, made where missing; every service gets a database password."""
        file = data_dir / "keys.json"
        kept = cls.model_validate_json(file.read_text()) if file.exists() else cls()
        passwords = {name: secrets.token_urlsafe(24) for name in services} | kept.passwords
        keys = kept.model_copy(update={"passwords": passwords})
        if not file.exists() or keys != kept:
            write_private(file, keys.model_dump_json(indent=2))
        return keys


def signing_key_file(data_dir: Path) -> Path:
    """Path of the Ed25519 private key (PEM, PKCS 8) that signs access tokens; made if missing."""
    file = data_dir / "signing_key.pem"
    if not file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(file, pem.decode())
    return file
