"""Tokens of approval links: ours are read, whatever the key they were made with; others are not."""

from __future__ import annotations

from datetime import UTC, datetime

import jwt
import pytest

from services.workflow.approval_tokens import ApprovalTokens
from shared.ids import new_id
from shared.telemetry.asgi import _masked

UNTIL = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_token_names_its_link_and_is_the_same_each_time() -> None:
    tokens, link_id = ApprovalTokens(["new", "old"]), new_id()
    token = tokens.issue(link_id, UNTIL)
    assert tokens.read(token) == link_id
    assert tokens.issue(link_id, UNTIL) == token
    assert tokens.read(ApprovalTokens(["old"]).issue(link_id, UNTIL)) == link_id


def _unsigned() -> str:
    payload = {"aud": "presswork-approval", "sub": str(new_id()), "exp": 1}
    return jwt.encode(payload, None, algorithm="none")


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b.c", "é", "x" * 5000, _unsigned(), ApprovalTokens(["guess"]).issue(new_id(), UNTIL)],
)
def test_what_we_did_not_make_names_nothing(token: str) -> None:
    assert ApprovalTokens(["secret"]).read(token) is None


def test_a_changed_token_names_nothing() -> None:
    tokens = ApprovalTokens(["secret"])
    head, payload, seal = tokens.issue(new_id(), UNTIL).split(".")
    _, foreign, _ = tokens.issue(new_id(), UNTIL).split(".")
    assert tokens.read(".".join((head, foreign, seal))) is None
    assert tokens.read(".".join((head, payload, seal[::-1]))) is None


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="at least one secret key"):
        ApprovalTokens([])


def test_no_span_holds_a_token() -> None:
    token = ApprovalTokens(["secret"]).issue(new_id(), UNTIL)
    for path in (f"/approve/{token}", f"/api/v1/approvals/{token}/decisions"):
        assert token.split(".")[2] not in _masked(path)
    assert _masked("/api/v1/workflows/1") == "/api/v1/workflows/1"
