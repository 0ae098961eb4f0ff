"""`python3 deploy/containers/new_env.py`: the secrets of one installation, made once, for `docker compose`.

Writes `.env` (passwords, the services' token, the key of private fields) and the key that signs access tokens. Needs
Python's standard library only, as it runs before anything is installed.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = ("auth", "workflow", "generation", "evaluation", "publishing", "media")
SIGNING_KEY = Path("deploy/containers/secrets/signing_key.pem")

# PKCS 8 of an Ed25519 key is this prefix and the 32 bytes of the key (RFC 8410, section 7).
_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


def environment() -> dict[str, str]:
    """Fresh values of everything `docker-compose.yml` asks for; safe in URLs and free of `$`."""
    names = ("POSTGRES_PASSWORD", *(f"PRESSWORK_{service.upper()}_DATABASE_PASSWORD" for service in SERVICES))
    return {name: secrets.token_urlsafe(24) for name in names} | {
        "PRESSWORK_INTERNAL_TOKEN": secrets.token_urlsafe(32),
        "PRESSWORK_FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def signing_key() -> str:
    """A new Ed25519 private key as PEM (PKCS 8)."""
    body = base64.b64encode(_PKCS8_ED25519 + secrets.token_bytes(32)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"


def write_new(file: Path, text: str, mode: int) -> None:
    """Write a file that must not exist yet. Raises FileExistsError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
        os.fchmod(out.fileno(), mode)
        out.write(text)


def make(folder: Path) -> list[Path]:
    """Write both files below `folder` and return their paths.

    Raises FileExistsError, and changes nothing, if one is there.
    """
    env, key = folder / ".env", folder / SIGNING_KEY
    for file in (env, key):
        if file.exists():
            raise FileExistsError(file)
    # The container's user must read the key, which is mounted alone; its folder keeps everybody else out.
    key.parent.mkdir(parents=True, exist_ok=True)
    key.parent.chmod(0o700)
    write_new(key, signing_key(), 0o444)
    write_new(env, "".join(f"{name}={value}\n" for name, value in environment().items()), 0o600)
    return [env, key]


def main() -> int:
    """The command line; 1 when there are secrets already, which the database and its data depend on."""
    try:
        made = make(REPOSITORY)
    except FileExistsError as error:
        print(f"{error} is there already, and the data of this installation depends on it: nothing was changed.")
        return 1
    for file in made:
        print(f"wrote {file.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
