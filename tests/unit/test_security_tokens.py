"""Access tokens: what is accepted, what is refused, and when keys are fetched."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.security.tokens import InvalidToken, KeysUnavailable, Signer, Verifier, generate_private_pem, thumbprint

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
USER = UUID("01890000-0000-7000-8000-000000000001")
SESSION = UUID("01890000-0000-7000-8000-000000000002")


class Published:
    """A JWK Set endpoint that counts how often it is asked and can be down."""

    def __init__(self, *pems: bytes) -> None:
        self.signer = Signer(*pems)
        self.asked = 0
        self.down = False

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise ConnectionError("auth is down")
        return self.signer.jwks()


@pytest.fixture
def pem() -> bytes:
    return generate_private_pem()


@pytest.fixture
def published(pem: bytes) -> Published:
    return Published(pem)


@pytest.fixture
def verifier(published: Published) -> Verifier:
    return Verifier(published)


def issue(signer: Signer, now: datetime = NOW) -> str:
    return signer.issue(USER, SESSION, "editor", "ada", now)


def forge(pem: bytes, signer: Signer, **changes: Any) -> str:
    """A token with a genuine signature over claims that were changed; a change to None leaves the claim out."""
    claims = jwt.decode(issue(signer), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    key = load_pem_private_key(pem, password=None)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": signer.jwks()["keys"][0]["kid"]})  # type: ignore[arg-type]


def unsigned(header: dict[str, Any], payload: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload))
    return ".".join(parts) + "."


async def test_a_genuine_token_gives_its_claims(published: Published, verifier: Verifier) -> None:
    claims = await verifier.verify(issue(published.signer), NOW)
    assert (claims.user_id, claims.session_id, claims.role, claims.username) == (USER, SESSION, "editor", "ada")
    assert claims.expires_at == NOW + timedelta(minutes=15)


async def test_a_token_works_until_its_last_second_and_not_after(published: Published, verifier: Verifier) -> None:
    token = issue(published.signer)
    await verifier.verify(token, NOW + timedelta(minutes=14, seconds=59))
    with pytest.raises(InvalidToken, match=r"expired.*refresh token"):
        await verifier.verify(token, NOW + timedelta(minutes=15))


async def test_an_expired_token_never_seen_before_is_called_expired(published: Published, verifier: Verifier) -> None:
    with pytest.raises(InvalidToken, match="expired"):
        await verifier.verify(issue(published.signer), NOW + timedelta(hours=1))


async def test_a_token_signed_by_someone_else_is_refused(published: Published, verifier: Verifier) -> None:
    header_of_ours = {"kid": published.signer.jwks()["keys"][0]["kid"]}
    claims = jwt.decode(issue(published.signer), options={"verify_signature": False})
    key = load_pem_private_key(generate_private_pem(), password=None)
    token = jwt.encode(claims, key, algorithm="EdDSA", headers=header_of_ours)  # type: ignore[arg-type]
    with pytest.raises(InvalidToken, match="not issued by this platform"):
        await verifier.verify(token, NOW)


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_any_changed_part_is_refused(published: Published, verifier: Verifier, part: int) -> None:
    parts = issue(published.signer).split(".")
    middle = len(parts[part]) // 2
    flipped = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + flipped + parts[part][middle + 1 :]
    with pytest.raises(InvalidToken):
        await verifier.verify(".".join(parts), NOW)


async def test_algorithm_none_is_refused(published: Published, verifier: Verifier) -> None:
    claims = jwt.decode(issue(published.signer), options={"verify_signature": False})
    kid = published.signer.jwks()["keys"][0]["kid"]
    for algorithm in ("none", "None", "NONE"):
        with pytest.raises(InvalidToken):
            await verifier.verify(unsigned({"alg": algorithm, "typ": "JWT", "kid": kid}, claims), NOW)


async def test_hs256_signed_with_the_public_key_is_refused(
    pem: bytes, published: Published, verifier: Verifier
) -> None:
    public = load_pem_private_key(pem, password=None).public_key()
    assert isinstance(public, Ed25519PublicKey)
    claims = jwt.decode(issue(published.signer), options={"verify_signature": False})
    kid = published.signer.jwks()["keys"][0]["kid"]
    for secret in (
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        published.signer.jwks()["keys"][0]["x"].encode(),
    ):
        token = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})
        with pytest.raises(InvalidToken):
            await verifier.verify(token, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "elsewhere"},
        {"iss": None},
        {"aud": "another-platform"},
        {"aud": ["presswork", "another-platform"]},
        {"aud": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": 1e400},
        {"exp": 10**20},
        {"iat": None},
        {"sub": None},
        {"sub": "root"},
        {"sid": None},
        {"role": None},
        {"role": ["admin"]},
        {"name": None},
    ],
)
async def test_a_signed_token_with_wrong_claims_is_refused(
    pem: bytes, published: Published, verifier: Verifier, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(forge(pem, published.signer, **changes), NOW)


async def test_a_token_from_the_future_is_refused(published: Published, verifier: Verifier) -> None:
    with pytest.raises(InvalidToken, match="future"):
        await verifier.verify(issue(published.signer, NOW + timedelta(minutes=5)), NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "not a token", "é.é.é", "eyJhbGciOiJFZERTQSJ9..", "x" * 100_000]
)
async def test_what_is_no_token_is_called_malformed_or_forged(verifier: Verifier, token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(token, NOW)


async def test_rotation_old_tokens_hold_while_the_old_key_is_published(pem: bytes, published: Published) -> None:
    verifier = Verifier(published)
    old = issue(published.signer)
    await verifier.verify(old, NOW)
    published.signer = Signer(generate_private_pem(), pem)
    later = NOW + timedelta(seconds=11)
    await verifier.verify(issue(published.signer), later)
    await verifier.verify(old, later)
    assert published.asked == 2


async def test_a_withdrawn_key_stops_working_after_ten_minutes(published: Published, verifier: Verifier) -> None:
    token = issue(published.signer)
    await verifier.verify(token, NOW)
    published.signer = Signer(generate_private_pem())
    await verifier.verify(token, NOW + timedelta(minutes=9))
    with pytest.raises(InvalidToken, match="not issued"):
        await verifier.verify(token, NOW + timedelta(minutes=11))


async def test_unknown_keys_fetch_at_most_every_ten_seconds(published: Published, verifier: Verifier) -> None:
    await verifier.verify(issue(published.signer), NOW)
    for second in range(25):
        with pytest.raises(InvalidToken):
            await verifier.verify(issue(Signer(generate_private_pem())), NOW + timedelta(seconds=second))
    assert published.asked == 3  # at the start, after 10 and after 20 seconds


async def test_keys_that_cannot_be_fetched_are_not_blamed_on_the_token(published: Published) -> None:
    published.down = True
    verifier = Verifier(published)
    with pytest.raises(KeysUnavailable, match="Try again"):
        await verifier.verify(issue(published.signer), NOW)
    published.down = False
    await verifier.verify(issue(published.signer), NOW + timedelta(seconds=10))


async def test_known_keys_go_on_serving_while_auth_is_down(published: Published, verifier: Verifier) -> None:
    await verifier.verify(issue(published.signer), NOW)
    published.down = True
    later = NOW + timedelta(hours=2)
    assert (await verifier.verify(issue(published.signer, later), later)).user_id == USER


async def test_the_memory_of_verified_tokens_is_bounded(published: Published) -> None:
    verifier = Verifier(published, remember=3)
    for _ in range(10):
        await verifier.verify(published.signer.issue(uuid4(), SESSION, "editor", "ada", NOW), NOW)
    assert len(verifier._verified) == 3


def test_the_key_id_is_the_rfc_7638_thumbprint() -> None:
    # The key and its thumbprint of RFC 8037, appendix A.
    x = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert thumbprint(Ed25519PublicKey.from_public_bytes(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_published_keys_hold_nothing_private(pem: bytes) -> None:
    second = generate_private_pem()
    keys = Signer(pem, second).jwks()["keys"]
    assert len(keys) == 2
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)


@pytest.mark.parametrize(
    "pems", [(), (b"nonsense",), (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",)]
)
def test_a_signer_refuses_what_is_no_ed25519_key(pems: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        Signer(*pems)
