"""Masking: secrets and e-mail addresses never reach the log, the rest stays readable, and no text makes it slow."""

from uuid import UUID

import bcrypt
import pytest

from shared.security.fields import FieldCipher, generate_key
from shared.security.masking import mask, mask_text
from shared.security.tokens import generate_private_pem

SECRETS = [
    "password=hunter22-x",
    "PGPASSWORD: hunter22-x",
    "'api_key': 'hunter22-x'",
    '{"clientSecret":"hunter22-x"}',
    '{"access_token": "hunter22-x", "expires_in": 900}',
    "GET /callback?code=1&access_token=hunter22-x&state=2",
    "Authorization: Bearer hunter22-x",
    "authorization: Ghost hunter22-x",
    "sent Bearer hunter22-x to the server",
    "Cookie: session=hunter22-x; theme=dark",
    "postgresql://presswork:hunter22-x@127.0.0.1:5432/db",
    "https://user:p@ss/hunter22-x@example.org".replace("/hunter22-x", "hunter22-x"),
    "key sk-proj-hunter22-xAAAAAAAAAAAAAA refused",
    "key AKIAHUNTER22XAAAAAAA refused",
    'password = "hunter22-x with spaces"',
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_text_is_masked(text: str) -> None:
    masked = mask_text(text)
    assert "hunter22" not in masked.lower()
    assert "masked" in masked


def test_generated_secrets_are_masked_wherever_they_stand() -> None:
    for secret in (
        generate_private_pem().decode(),
        FieldCipher([generate_key()]).encrypt(b"x").decode(),
        bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(),
        "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "6489a3f0c1b2d3e4f5a6b7c8:" + "ab" * 32,
    ):
        masked = mask_text(f"before {secret} after")
        assert masked.split() == ["before", "[masked]", "after"]


@pytest.mark.parametrize("address", ["ada@example.org", "a.b+tag@mail.example.co.kr", "@ada@mastodon.example"])
def test_an_email_address_is_masked(address: str) -> None:
    masked = mask_text(f"mail to <{address}>, please")
    assert "example" not in masked
    assert "please" in masked


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 512, max_tokens=100 token_usage=12",
        "https://example.org/a/b?page=2 answered 200 in 12.5 ms",
        "workflow 01890000-0000-7000-8000-000000000001 completed at 12:00:05",
        "the keyboard, the monkey and the cook",
        "@decorator and a @ b",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert mask_text(text) == text


def test_structures_are_masked_by_name_and_by_content() -> None:
    value = {
        "password": "x",
        "access_token": "x",
        "refreshToken": "x",
        "credentials": {"key": "x"},
        "email": "not even an address",
        "tokens_used": 5,
        "sort_key": "created_at",
        "user_id": UUID(int=1),
        "steps": [{"note": "mail ada@example.org"}, ("api_key=abc",)],
        "body": b"secret bytes",
        "error": ValueError("bad password=abc"),
        "none": None,
    }
    assert mask(value) == {
        "password": "[masked]",
        "access_token": "[masked]",
        "refreshToken": "[masked]",
        "credentials": "[masked]",
        "email": "[email]",
        "tokens_used": 5,
        "sort_key": "created_at",
        "user_id": str(UUID(int=1)),
        "steps": [{"note": "mail [email]"}, ["api_key=[masked]"]],
        "body": "<12 bytes>",
        "error": "ValueError: bad password=[masked]",
        "none": None,
    }
    assert value["password"] == "x", "what is logged is a copy"


def test_a_structure_that_holds_itself_ends() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert "…" in str(mask(endless))
