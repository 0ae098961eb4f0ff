"""Objects in a bucket of S3, or of any store that speaks its protocol (MinIO, R2, Garage, Ceph)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.media.storage.port import NoSuchObject, StorageUnavailable, Stored, check_key

if TYPE_CHECKING:
    from obstore.store import S3Config


class S3Storage:
    """A bucket of objects. Requests that failed on the way are repeated for at most `patience`."""

    def __init__(
        self,
        bucket: str,
        *,
        region: str,
        endpoint: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        patience: timedelta = timedelta(seconds=20),
    ) -> None:
        """`endpoint` is the address of another store than Amazon's; without keys the machine's own role is asked."""
        # Path style elsewhere: other stores seldom have a host name for each bucket.
        config: S3Config = {"region": region, "virtual_hosted_style_request": endpoint is None}
        if endpoint:
            config["endpoint"] = endpoint
        if access_key and secret_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        self._store = S3Store(
            bucket,
            config=config,
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "timeout": timedelta(seconds=60),
            },
            retry_config={"max_retries": 4, "retry_timeout": patience},
        )

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Uploads the object, in parts when it is large."""
        try:
            await obstore.put_async(self._store, check_key(key), data, attributes={"Content-Type": content_type})
        except BaseError as error:
            raise _unavailable("written", error) from error

    async def get(self, key: str) -> bytes:
        """The object's bytes. Raises NoSuchObject."""
        try:
            result = await obstore.get_async(self._store, check_key(key))
            return bytes(await result.bytes_async())
        except FileNotFoundError as error:
            raise NoSuchObject(key) from error
        except BaseError as error:
            raise _unavailable("read", error) from error

    async def delete(self, key: str) -> None:
        """Removes the object."""
        try:
            await obstore.delete_async(self._store, check_key(key))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _unavailable("deleted", error) from error

    async def exists(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            await obstore.head_async(self._store, check_key(key))
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise _unavailable("looked up", error) from error
        return True

    async def pages(self) -> AsyncIterator[Sequence[Stored]]:
        """The bucket's objects, as its server lists them."""
        try:
            async for page in obstore.list(self._store, chunk_size=1_000):
                yield [Stored(each["path"], each["last_modified"]) for each in page]
        except BaseError as error:
            raise _unavailable("listed", error) from error

    async def leftovers(self, before: datetime) -> list[datetime]:
        """None: a bucket keeps parts of an upload to itself, and its lifecycle rules say when they go."""
        return []

    async def clear_leftovers(self, before: datetime, most: int) -> int:
        """Nothing to do."""
        return 0


def _unavailable(done: str, error: BaseError) -> StorageUnavailable:
    kind = type(error).__name__
    # The library's own message holds the whole answer of the server; its first line says what matters.
    first_line = str(error).strip().split("\n", 1)[0][:300]
    return StorageUnavailable(f"The object could not be {done} ({kind}): {first_line}")
