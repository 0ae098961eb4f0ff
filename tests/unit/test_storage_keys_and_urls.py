"""Which keys and URLs storage accepts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.storage import BadKey, build
from services.media.storage.local import LocalStorage
from services.media.storage.port import check_key
from services.media.storage.s3 import S3Storage

HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../secret",
    "a/../../secret",
    "a/./b",
    "a//b",
    "a/",
    "~/x",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "%2e%2e/x",
    ".hidden",
    "a/.hidden",
    "é",
    "a b",
    "a" * 201,
    "/".join("abcdefgh" * 40),
    "a/" * 300 + "a",
    "file:///etc/passwd",
    "C:x",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_refused(key: str) -> None:
    with pytest.raises(BadKey, match="no storage key"):
        check_key(key)


@pytest.mark.parametrize("key", ["a", "users/0189/files/0189.pdf", "A-b_c.tar.gz", "a/b..c/d"])
def test_a_usual_key_is_accepted(key: str) -> None:
    assert check_key(key) == key


@given(st.text(max_size=60))
def test_no_accepted_key_leaves_the_folder(key: str) -> None:
    root = Path("/srv/media")
    try:
        path = LocalStorage(root)._path(key)
    except BadKey:
        return
    assert path.is_relative_to(root)
    assert path != root
    assert ".." not in path.parts


def test_urls_name_their_storage() -> None:
    assert isinstance(build("file:///var/lib/presswork/media"), LocalStorage)
    assert isinstance(
        build("s3://bucket?endpoint=http://127.0.0.1:9&region=eu-1", access_key="a", secret_key="b"), S3Storage
    )
    assert isinstance(build("s3://bucket", access_key="a", secret_key="b"), S3Storage)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "media",
        "/var/media",
        "ftp://host/x",
        "file://",
        "file:///",
        "file://host/x",
        "s3://",
        "s3:///x",
        "s3://bucket/path",
        "s3://user:pw@bucket",
        "s3://bucket?endpint=http://x",
        "s3://bucket?region",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        build(url)


def test_half_a_credential_is_refused() -> None:
    with pytest.raises(ValueError, match="both the access key and the secret key"):
        build("s3://bucket", access_key="a")
