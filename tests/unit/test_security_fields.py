"""Encrypted fields: secret, authenticated, and readable through a rotation."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.fields import FieldCipher, NoKeyFits, generate_key

CIPHER = FieldCipher([generate_key()])


@given(st.binary(max_size=4096))
def test_what_was_encrypted_comes_back(plain: bytes) -> None:
    assert CIPHER.decrypt(CIPHER.encrypt(plain)) == plain


def test_the_same_content_never_looks_the_same() -> None:
    assert CIPHER.encrypt(b"secret") != CIPHER.encrypt(b"secret")


def test_a_rotation_keeps_every_value_readable_and_then_needs_no_old_key() -> None:
    old, new = generate_key(), generate_key()
    written = FieldCipher([old]).encrypt(b"secret")
    both = FieldCipher([new, old])
    assert both.decrypt(written) == b"secret"
    assert FieldCipher([new]).decrypt(both.rotate(written)) == b"secret"
    with pytest.raises(NoKeyFits):
        FieldCipher([old]).decrypt(both.encrypt(b"secret"))


def test_no_fitting_key_says_what_to_do() -> None:
    written = FieldCipher([generate_key()]).encrypt(b"secret")
    with pytest.raises(NoKeyFits, match="Put the key"):
        CIPHER.decrypt(written)
    with pytest.raises(NoKeyFits, match="Put the key"):
        CIPHER.rotate(written)


def test_every_changed_byte_is_noticed() -> None:
    raw = bytearray(base64.urlsafe_b64decode(CIPHER.encrypt(b"secret")))
    for position in range(len(raw)):
        changed = raw.copy()
        changed[position] ^= 1
        with pytest.raises(NoKeyFits):
            CIPHER.decrypt(base64.urlsafe_b64encode(changed))


@pytest.mark.parametrize("token", [b"", b"plain", b"\xff\xfe", b"gAAAAA=="])
def test_what_is_no_ciphertext_is_refused(token: bytes) -> None:
    with pytest.raises(NoKeyFits):
        CIPHER.decrypt(token)


@pytest.mark.parametrize("keys", [[], ["short"], ["é" * 44], [generate_key(), ""], "one-text-instead-of-a-list"])
def test_unusable_keys_are_refused_at_the_start(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="key"):
        FieldCipher(keys)
