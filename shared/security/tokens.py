"""Access tokens: Ed25519-signed JWTs, issued by auth and verified by every service from auth's published keys.

Sources: RFC 7519 (JWT), RFC 8037 (EdDSA in JOSE), RFC 7517 (JWK Set), RFC 7638 (key thumbprints).
"""

import asyncio
import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ALGORITHM = "EdDSA"
ISSUER = "presswork"
AUDIENCE = "presswork"
LIFETIME = timedelta(minutes=15)
CLOCK_SKEW = timedelta(seconds=30)
MAX_TOKEN_LENGTH = 4096


class InvalidToken(Exception):
    """The token is expired, forged or malformed; the message is fit for the client. HTTP 401."""


class KeysUnavailable(Exception):
    """The published keys could not be fetched, so nothing can be said about the token. HTTP 503."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a verified token speaks for, and until when (`expires_at`, UTC)."""

    user_id: UUID
    session_id: UUID
    role: str
    username: str
    expires_at: datetime


def generate_private_pem() -> bytes:
    """A new Ed25519 private key as unencrypted PKCS #8 PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def thumbprint(public: Ed25519PublicKey) -> str:
    """The RFC 7638 SHA-256 thumbprint of a key (43 characters), used as its `kid`."""
    required = json.dumps(_required_members(public), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(required.encode()).digest())


class Signer:
    """Issues tokens with the first key and publishes all of them.

    To rotate: publish the new key as the second, wait until verifiers have seen it, make it the first, and drop the old
    one when the last token it signed has expired.
    """

    def __init__(self, *private_pems: bytes, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        """Raises ValueError when no key is given or one is not an Ed25519 private key in PEM."""
        if not private_pems:
            raise ValueError("Give at least one Ed25519 private key to sign tokens with.")
        keys = [_load_private(pem) for pem in private_pems]
        self._signing_key = keys[0]
        self._published = [_jwk(key.public_key()) for key in keys]
        self._key_id: str = self._published[0]["kid"]
        self._issuer = issuer
        self._audience = audience

    def issue(
        self,
        user_id: UUID,
        session_id: UUID,
        role: str,
        username: str,
        now: datetime,
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """A signed token that says who the user is from `now` (aware) until `now + lifetime`."""
        payload = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "name": username,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        return jwt.encode(payload, self._signing_key, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def jwks(self) -> dict[str, Any]:
        """The public keys as an RFC 7517 JWK Set, the signing key first."""
        return {"keys": [dict(key) for key in self._published]}


class Verifier:
    """Verifies tokens against a JWK Set that it fetches and caches, and remembers verified tokens until they expire."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[dict[str, Any]]],
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        refetch_after: timedelta = timedelta(seconds=10),
        keys_live: timedelta = timedelta(minutes=10),
        remember: int = 4096,
    ) -> None:
        """`fetch` returns a JWK Set. An unknown key id fetches again at most every `refetch_after`; after `keys_live`
        it is fetched again in any case, so that a withdrawn key stops working. `remember` bounds the tokens kept.
        """
        self._fetch = fetch
        self._issuer = issuer
        self._audience = audience
        self._refetch_after = refetch_after
        self._keys_live = keys_live
        self._remember = remember
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._fetching = asyncio.Lock()

    async def verify(self, token: str, now: datetime) -> Claims:
        """The claims of a token that is genuine and valid at `now` (aware).

        Raises InvalidToken, or KeysUnavailable when a key is needed that could not be fetched.
        """
        if self._fetched_at and now - self._fetched_at >= self._keys_live:
            await self._refresh(now)
        if known := self._verified.get(token):
            if known.expires_at <= now:
                del self._verified[token]
                raise _expired()
            self._verified.move_to_end(token)
            return known
        claims = self._decode(token, await self._key_for(token, now), now)
        self._verified[token] = claims
        if len(self._verified) > self._remember:
            self._verified.popitem(last=False)
        return claims

    async def _key_for(self, token: str, now: datetime) -> jwt.PyJWK:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _malformed()
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise _malformed() from error
        key_id = header.get("kid")
        # Refused before any key is looked up: "none" and HS256-with-the-public-key are the two classic forgeries.
        if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
            raise _forged()
        if key_id not in self._keys:
            await self._refresh(now, wanted=key_id)
        key = self._keys.get(key_id)
        if key is None:
            if self._fetched_at is None or self._fetched_at != self._tried_at:
                raise KeysUnavailable(
                    "The keys that tokens are checked with cannot be read now. Try again in a moment."
                )
            raise _forged()
        return key

    async def _refresh(self, now: datetime, wanted: str | None = None) -> None:
        async with self._fetching:
            if wanted is not None and wanted in self._keys:
                return
            if self._tried_at is not None and now - self._tried_at < self._refetch_after:
                return
            self._tried_at = now
            try:
                keys = _read_jwks(await self._fetch())
            except Exception:
                # Whatever kept the keys from being read, the ones already known go on serving.
                return
            if self._keys.keys() - keys.keys():
                self._verified.clear()
            self._keys = keys
            self._fetched_at = now

    def _decode(self, token: str, key: jwt.PyJWK, now: datetime) -> Claims:
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                # Times are compared with the caller's clock below, not with the library's.
                options={
                    "require": ["iss", "aud", "sub", "sid", "role", "name", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "strict_aud": True,
                },
            )
            claims = Claims(
                user_id=UUID(payload["sub"]),
                session_id=UUID(payload["sid"]),
                role=_text(payload["role"]),
                username=_text(payload["name"]),
                expires_at=_instant(payload["exp"]),
            )
            issued_at = _instant(payload["iat"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise _forged() from error
        if claims.expires_at <= now:
            raise _expired()
        if issued_at > now + CLOCK_SKEW:
            raise InvalidToken(
                "The access token is dated in the future. Check the clock of this machine, then log in again."
            )
        return claims


def _expired() -> InvalidToken:
    return InvalidToken("The access token has expired. Get a new one with the refresh token, or log in again.")


def _forged() -> InvalidToken:
    return InvalidToken("The access token was not issued by this platform. Log in to get a valid one.")


def _malformed() -> InvalidToken:
    return InvalidToken("The access token is malformed. Send it as `Authorization: Bearer <token>`, exactly as issued.")


def _load_private(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("A signing key must be an unencrypted Ed25519 private key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("A signing key must be an Ed25519 key; this one is of another kind.")
    return key


def _required_members(public: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def _jwk(public: Ed25519PublicKey) -> dict[str, str]:
    return {**_required_members(public), "kid": thumbprint(public), "use": "sig", "alg": ALGORITHM}


def _read_jwks(jwks: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    # Only Ed25519 keys are taken: a symmetric key slipped into the set must never verify anything.
    ed25519 = [key for key in jwks["keys"] if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"]
    return {key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM) for key in ed25519}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a claim that must be text is not")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a time claim must be whole seconds since 1970")
    return datetime.fromtimestamp(value, UTC)
