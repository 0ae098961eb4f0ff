"""One auth for all of these tests, on a real database and broker, and the people before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.auth.app import service as auth
from shared.ids import new_id
from shared.kit import Kit
from shared.security.passwords import hash_password
from shared.security.tokens import generate_private_pem
from tests.integration.auth.people import (
    PASSWORD,
    Person,
    registered,
)
from tests.integration.desk import Desk, desk


@pytest.fixture(scope="package")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "signing_keys.pem"
    file.write_bytes(generate_private_pem() + generate_private_pem())
    return file


@pytest.fixture(scope="package")
async def platform(signing_keys: Path) -> AsyncIterator[Desk]:
    async with desk(auth, signing_key_file=signing_keys) as running:
        yield running


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["auth"]


@pytest.fixture
def stranger(platform: Desk) -> Person:
    return Person(platform.http, platform.urls["auth"], f"u{new_id().hex[-12:]}", {})


@pytest.fixture(scope="package")
async def hashed() -> str:
    return await hash_password(PASSWORD)


@pytest.fixture
async def ada(stranger: Person, kit: Kit, hashed: str) -> Person:
    """Somebody with an account, logged in."""
    return await registered(stranger, kit, hashed)


@pytest.fixture
async def eve(platform: Desk, kit: Kit, hashed: str) -> Person:
    """Somebody else."""
    return await registered(Person(platform.http, platform.urls["auth"], f"e{new_id().hex[-12:]}", {}), kit, hashed)
