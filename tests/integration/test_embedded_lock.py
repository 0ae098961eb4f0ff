"""The locks that a machine is set up from hold every dependency that is named, with hashes and without addresses."""

import re

import pytest

from deploy.embedded.stack import REPOSITORY

LOCKS = ("requirements.txt", "requirements-dev.txt")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(file: str) -> set[str]:
    lines = (REPOSITORY / file).read_text().splitlines()
    return {normal(found[0]) for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}


@pytest.mark.parametrize(
    ("lock", "sources"),
    [("requirements.txt", ["requirements.in"]), ("requirements-dev.txt", ["requirements.in", "requirements-dev.in"])],
)
def test_a_lock_holds_what_is_named(lock: str, sources: list[str]) -> None:
    missing = set().union(*(named(source) for source in sources)) - named(lock)
    assert not missing, "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_tells_no_address(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    assert "://" not in text
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        if "==" in entry.partition("\n")[0]:
            assert "--hash=sha256:" in entry, entry


def test_what_a_container_installs_has_the_versions_that_were_tested() -> None:
    pins = {lock: set(re.findall(r"(?m)^\S+==[^\s;\\]+", (REPOSITORY / lock).read_text())) for lock in LOCKS}
    assert pins["requirements.txt"] <= pins["requirements-dev.txt"]
