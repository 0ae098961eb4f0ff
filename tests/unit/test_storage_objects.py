"""What every storage promises, tried on a real folder and on a real S3 server; and what is special to each."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from services.media.storage import NoSuchObject, Storage, StorageUnavailable, build
from services.media.storage.local import LocalStorage
from services.media.storage.s3 import S3Storage

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIAPRESSWORKTESTS00", "presswork-tests-secret-key-0123456789abcd", "media"


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A nanio server with one bucket."""
    data = tmp_path_factory.mktemp("s3")
    # Buckets are folders of its data directory.
    (data / BUCKET).mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "nanio", "serve", "--data-dir", str(data), "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, "NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
                break
            except OSError:
                assert process.poll() is None, "the S3 server ended"
                assert time.monotonic() < deadline, "the S3 server did not start"
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def s3(s3_endpoint: str) -> S3Storage:
    storage = build(f"s3://{BUCKET}?endpoint={s3_endpoint}", access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    assert isinstance(storage, S3Storage)
    return storage


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "deep" / "media")


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 40, bytes(12_000_000)], ids=["0", "1", "10K", "12M"])
async def test_what_was_put_comes_back(storage: Storage, data: bytes) -> None:
    await storage.put("users/1/file.bin", data, "application/pdf")
    assert await storage.get("users/1/file.bin") == data
    assert await storage.exists("users/1/file.bin")


async def test_what_is_not_there_is_said_so(storage: Storage) -> None:
    with pytest.raises(NoSuchObject, match="never/put"):
        await storage.get("never/put")
    assert not await storage.exists("never/put")


async def test_a_folder_is_no_object(storage: Storage) -> None:
    await storage.put("folder/object", b"x", "text/plain")
    assert not await storage.exists("folder")
    with pytest.raises(NoSuchObject):
        await storage.get("folder")


async def test_deleting_a_folder_deletes_nothing(local: LocalStorage) -> None:
    await local.put("folder/object", b"x", "text/plain")
    await local.delete("folder")
    assert await local.get("folder/object") == b"x"


async def test_putting_again_replaces(storage: Storage) -> None:
    await storage.put("replaced", b"a long first version", "text/plain")
    await storage.put("replaced", b"short", "text/plain")
    assert await storage.get("replaced") == b"short"


async def test_deleting_removes_and_may_be_repeated(storage: Storage) -> None:
    await storage.put("gone", b"x", "text/plain")
    await storage.delete("gone")
    await storage.delete("gone")
    assert not await storage.exists("gone")


async def test_a_reader_sees_one_version_or_the_other_never_a_mixture(storage: Storage) -> None:
    versions = {bytes([n]) * 300_000 for n in range(6)}
    await storage.put("contended", min(versions), "text/plain")
    writes = asyncio.gather(*(storage.put("contended", version, "text/plain") for version in versions))
    while not writes.done():
        assert await storage.get("contended") in versions
    await writes
    assert await storage.get("contended") in versions


async def test_all_objects_are_listed_with_their_time(storage: Storage) -> None:
    keys = {f"listed/{folder}/{number}.bin" for folder in "ab" for number in range(3)}
    for key in keys:
        await storage.put(key, b"x", "text/plain")
    found = {each.key: each.modified async for page in storage.pages() for each in page}
    assert keys <= found.keys()
    assert all(abs(datetime.now(UTC) - found[key]) < timedelta(minutes=1) for key in keys)


async def test_a_storage_without_a_server_or_a_folder_lists_nothing(local: LocalStorage) -> None:
    assert [page async for page in local.pages()] == []
    nowhere = S3Storage(
        BUCKET,
        region="us-east-1",
        endpoint="http://127.0.0.1:1",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        patience=timedelta(milliseconds=200),
    )
    with pytest.raises(StorageUnavailable, match="listed"):
        _ = [page async for page in nowhere.pages()]


async def test_pieces_of_puts_that_never_ended_are_cleared_when_they_are_old(local: LocalStorage) -> None:
    await local.put("a/object", b"x", "text/plain")
    now = datetime.now(UTC)
    for name, age in ((".0123456789abcdef.part", 2), (".fedcba9876543210.part", 0), (".hidden", 2)):
        path = local._folder / "a" / name
        path.write_bytes(b"x")
        os.utime(path, ((now - timedelta(days=age)).timestamp(),) * 2)
    assert len(await local.leftovers(now - timedelta(days=1))) == 1
    assert [each.key for page in [page async for page in local.pages()] for each in page] == ["a/object"]
    assert await local.clear_leftovers(now - timedelta(days=1), 10) == 1
    assert sorted(os.listdir(local._folder / "a")) == [".fedcba9876543210.part", ".hidden", "object"]


async def test_s3_keeps_the_content_type(s3: S3Storage) -> None:
    await s3.put("typed.pdf", b"x", "application/pdf")
    result = await obstore.get_async(s3._store, "typed.pdf")
    assert result.attributes["Content-Type"] == "application/pdf"


async def test_s3_with_a_wrong_secret_is_unavailable(s3_endpoint: str) -> None:
    storage = build(f"s3://{BUCKET}?endpoint={s3_endpoint}", access_key=ACCESS_KEY, secret_key="wrong" * 8)
    with pytest.raises(StorageUnavailable, match="written"):
        await storage.put("x", b"x", "text/plain")
    with pytest.raises(StorageUnavailable):
        await storage.get("x")


async def test_s3_without_a_server_is_unavailable_soon() -> None:
    storage = S3Storage(
        BUCKET,
        region="us-east-1",
        endpoint="http://127.0.0.1:1",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        patience=timedelta(milliseconds=200),
    )
    async with asyncio.timeout(30):
        for ask in (storage.get("x"), storage.put("x", b"x", "text/plain"), storage.delete("x"), storage.exists("x")):
            with pytest.raises(StorageUnavailable):
                await ask


async def test_the_folder_is_private_and_holds_no_leftovers(local: LocalStorage) -> None:
    await local.put("a/b", b"x", "text/plain")
    files = [path for path in local._folder.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["b"]
    assert files[0].stat().st_mode & 0o077 == 0
    assert local._folder.stat().st_mode & 0o077 == 0


async def test_a_put_that_fails_leaves_the_old_object_and_no_leftovers(local: LocalStorage, tmp_path: Path) -> None:
    await local.put("a", b"old", "text/plain")
    with pytest.raises(StorageUnavailable, match="Check the media folder"):
        await local.put("a/b", b"new", "text/plain")  # "a" is a file, so nothing can stand below it
    assert await local.get("a") == b"old"
    assert not await local.exists("a/b")
    with pytest.raises(NoSuchObject):
        await local.get("a/b")
    await local.delete("a/b")
    assert [path.name for path in local._folder.iterdir()] == ["a"]


async def test_a_put_killed_half_way_leaves_the_old_object(local: LocalStorage) -> None:
    await local.put("victim", b"old", "text/plain")
    script = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from services.media.storage.local import LocalStorage\n"
        "os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(LocalStorage(Path(sys.argv[1])).put('victim', b'new', 'text/plain'))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(local._folder))
    assert await process.wait() == -9
    assert await local.get("victim") == b"old"
