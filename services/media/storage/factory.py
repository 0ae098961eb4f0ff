"""The storage that a URL names: `file:///var/lib/presswork/media` or `s3://bucket?endpoint=https://host&region=eu-central-1`."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from services.media.storage.local import LocalStorage
from services.media.storage.port import Storage
from services.media.storage.s3 import S3Storage

DEFAULT_REGION = "us-east-1"


def build(url: str, *, access_key: str | None = None, secret_key: str | None = None) -> Storage:
    """The storage for a URL; the keys are for S3. Raises ValueError with a sentence when the URL names none."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise ValueError(
                "A folder is named by file:/// and its absolute path, such as file:///var/lib/presswork/media."
            )
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
        if unknown := options.keys() - {"endpoint", "region"}:
            raise ValueError(f"Unknown options {sorted(unknown)} of the s3 URL: endpoint and region are known.")
        if not parts.hostname or parts.path.strip("/") or parts.username or parts.password:
            raise ValueError("A bucket is named by s3://bucket, without a path or credentials; keys are given apart.")
        if bool(access_key) != bool(secret_key):
            raise ValueError("Give both the access key and the secret key of the bucket, or neither.")
        return S3Storage(
            parts.hostname,
            region=options.get("region", [DEFAULT_REGION])[0],
            endpoint=options.get("endpoint", [None])[0],
            access_key=access_key,
            secret_key=secret_key,
        )
    raise ValueError(f"{parts.scheme or 'No scheme'} names no storage: use file:///folder or s3://bucket.")
