"""Where bytes are kept: one port, a local folder or an S3 bucket behind it."""

from services.media.storage.factory import build
from services.media.storage.port import BadKey, NoSuchObject, Storage, StorageUnavailable, Stored

__all__ = ["BadKey", "NoSuchObject", "Storage", "StorageUnavailable", "Stored", "build"]
