"""Masking secrets and e-mail addresses in what is logged: text and structures."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[masked]"
EMAIL = "[email]"
# Deeper or longer structures do not belong in a log line; they are cut rather than walked.
MAX_DEPTH = 8
MAX_TEXT = 20_000

_SECRET_WORDS = (
    r"pass(?:word|wd|phrase)|pwd|secret|(?:access|refresh|id|api|auth|bearer|session|csrf)?[_-]?token|api[_-]?key"
    r"|private[_-]?(?:key|pem)|signing[_-]?key|secret[_-]?key|encryption[_-]?keys?|field[_-]?keys?"
    r"|authorization|cookie|set-cookie|credentials?|client[_-]?secret|dsn"
)
# These end a secret's name even without a boundary before them, as in PGPASSWORD.
_UNMISTAKABLE = r"(?:password|passwd|secret)"
_SECRET_NAME = re.compile(rf"(?:^|[_\-.]|(?<=[a-z])(?=[A-Z]))(?:{_SECRET_WORDS})s?$|{_UNMISTAKABLE}$", re.IGNORECASE)
_EMAIL_NAME = re.compile(r"(?:^|[_\-.])e?-?mail(?:_address)?$", re.IGNORECASE)

_VALUE = r"(?!\[masked\])(?:\"[^\"\r\n]{1,4000}\"|'[^'\r\n]{1,4000}'|[^\s,;&\"'}\]]{1,4000})"

# Each pattern is linear in the text: repetitions are bounded or of one character class.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # PEM private keys, whole headers, authorization schemes
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]{0,40}-----)?", MASK),
        (r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(\"?'?\s{0,3}[:=]\s{0,3})[^\r\n]{1,8000}", rf"\1\2{MASK}"),
        (r"(?i)\b(bearer|basic|ghost)\s{1,3}[A-Za-z0-9\-._~+/=:]{8,4096}", rf"\1 {MASK}"),
        # JWTs, Fernet ciphertexts, bcrypt hashes
        (r"\beyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{1,4000}(?:\.[A-Za-z0-9_\-]{0,1000})?", MASK),
        (r"\bgAAAAA[A-Za-z0-9_\-=]{50,}", MASK),
        (r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", MASK),
        # Keys with a known shape: model vendors, code hosts, chat, cloud, Ghost
        (r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{16,200}", MASK),
        (r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|xox[abprs]-[A-Za-z0-9\-]{10,200})", MASK),
        (r"\bAKIA[A-Z0-9]{16}\b", MASK),
        (r"\bwhsec_[A-Za-z0-9+/=]{16,200}", MASK),
        (r"\b[0-9a-f]{24}:[0-9a-f]{64}\b", MASK),
        # Credentials in a URL, values under a secret's name, e-mail addresses
        (r"(?i)\b([a-z][a-z0-9+.\-]{1,20}://)[^\s/@:]{0,256}:[^\s/]{1,512}@", rf"\1{MASK}@"),
        (rf"(?i)((?:(?:\b|_)(?:{_SECRET_WORDS})|{_UNMISTAKABLE})[\"']?\s{{0,3}}[:=]\s{{0,3}}){_VALUE}", rf"\1{MASK}"),
        (r"(?<![\w.+\-])[\w.+\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", EMAIL),
    )
)


def mask_text(text: str) -> str:
    """The text with tokens, keys, passwords and e-mail addresses replaced; cut after 20,000 characters."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask(value: Any, depth: int = 0) -> Any:
    """A copy of a value fit for the log: texts masked, everything under a secret's name (`api_key`) replaced.

    Mappings, lists, tuples and sets are walked eight levels deep; numbers, booleans and None stay as they are.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return "…"
    match value:
        case str():
            return mask_text(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case Mapping():
            return {_mask_key(key): _mask_named(key, item, depth) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [mask(item, depth + 1) for item in value]
        case BaseException():
            return mask_text(f"{type(value).__name__}: {value}")
        case _:
            return mask_text(str(value))


def _mask_key(key: Any) -> Any:
    return mask_text(key) if isinstance(key, str) else key


def _mask_named(key: Any, item: Any, depth: int) -> Any:
    if isinstance(key, str) and item is not None and not isinstance(item, bool):
        if _SECRET_NAME.search(key):
            return MASK
        if _EMAIL_NAME.search(key) and isinstance(item, str):
            return EMAIL
    return mask(item, depth + 1)
