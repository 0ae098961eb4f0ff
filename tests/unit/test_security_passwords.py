"""Passwords: which are refused and why, and hashing that neither blocks nor tells who exists."""

import asyncio
import time
import unicodedata

import pytest

from shared.security.passwords import WeakPassword, check_strength, hash_password, verify_password


@pytest.mark.parametrize("password", ["Correct-Horse-9", "Presswork2024", "긴비밀번호Ab1입니다", "aB3" + "xkqzvw" * 4])
def test_a_good_password_passes(password: str) -> None:
    check_strength(password)


@pytest.mark.parametrize(
    ("password", "advice"),
    [
        ("", "too short"),
        ("Aa1!xyz", "too short"),
        ("correct-horse-9", "upper-case"),
        ("CORRECT-HORSE-9", "lower-case"),
        ("Correct-Horse", "digit"),
        ("correcthorse", "upper-case letter and a digit"),
        ("Password1", "too easy to guess"),
        ("Passw0rd", "too easy to guess"),
        ("Qwerty123", "too easy to guess"),
        ("Aa1" * 20, "too easy to guess"),
        ("Aa1" + "x" * 70, "too long"),
        ("Aa1" + "가" * 24, "too long"),
        ("Correct\0Horse-9", "NUL"),
    ],
)
def test_a_weak_password_is_refused_with_advice(password: str, advice: str) -> None:
    with pytest.raises(WeakPassword, match=advice):
        check_strength(password)


def test_the_own_name_is_no_password() -> None:
    check_strength("Zbrzezniak1")
    with pytest.raises(WeakPassword, match="too easy"):
        check_strength("Zbrzezniak1", personal=["zbrzezniak"])


async def test_the_right_password_fits_and_others_do_not() -> None:
    hashed = await hash_password("Correct-Horse-9")
    assert hashed.startswith("$2b$12$")
    assert await verify_password("Correct-Horse-9", hashed)
    assert not await verify_password("Correct-Horse-8", hashed)
    assert not await verify_password("Correct-Horse-9" + "x" * 100, hashed)


async def test_the_same_characters_fit_however_they_are_composed() -> None:
    hashed = await hash_password(unicodedata.normalize("NFC", "비밀번호Ärger-1"))
    assert await verify_password(unicodedata.normalize("NFD", "비밀번호Ärger-1"), hashed)


async def test_a_tail_beyond_72_bytes_is_never_ignored() -> None:
    longest = "Aa1!" + "xkqzvwpf" * 8 + "last"
    assert len(longest) == 72
    hashed = await hash_password(longest)
    assert await verify_password(longest, hashed)
    assert not await verify_password(longest + "x", hashed)
    with pytest.raises(WeakPassword, match="72 bytes"):
        await hash_password(longest + "x")


@pytest.mark.parametrize("stored", [None, "", "erased", "$2b$12$tooshort", "plain\0text"])
async def test_nobody_and_broken_hashes_fit_no_password_and_cost_as_much(stored: str | None) -> None:
    hashed = await hash_password("Correct-Horse-9")
    started = time.perf_counter()
    await verify_password("Wrong-Horse-9", hashed)
    genuine = time.perf_counter() - started
    started = time.perf_counter()
    assert not await verify_password("Correct-Horse-9", stored)
    # A wide margin: what is ruled out is an answer at once.
    assert time.perf_counter() - started > genuine / 4


async def test_hashing_leaves_the_event_loop_free() -> None:
    hashing = asyncio.gather(*(hash_password("Correct-Horse-9") for _ in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(set(await hashing)) == 4
    assert turns > 100
