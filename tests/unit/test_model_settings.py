"""Which models a service asks, as its environment says; and that nobody pays for a library who asks none."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.evaluation.settings import EvaluationSettings
from services.generation.settings import GenerationSettings
from shared.llm import Endpoint, Prices
from shared.llm.settings import ModelSettings

LOCAL = {"model_base_url": "http://127.0.0.1:11434/v1", "model_name": "small"}
CLAUDE = {"model_api": "anthropic", "model_name": "claude-haiku-4-5", "model_api_key": "a"}


def asked(**environment: Any) -> tuple[Endpoint, ...]:
    return ModelSettings(**environment).endpoints()


def test_one_model_at_one_address() -> None:
    prices = {"model_input_usd": "0.5", "model_output_usd": "2"}
    (endpoint,) = asked(**LOCAL, **prices, model_output="native", model_api_key="secret")
    expected = Prices(Decimal("0.5"), Decimal("2"))
    assert endpoint == Endpoint("small", LOCAL["model_base_url"], "openai", "secret", True, expected)
    assert "secret" not in repr(endpoint)


def test_anthropics_address_is_known() -> None:
    (endpoint,) = asked(**CLAUDE)
    assert (endpoint.base_url, endpoint.api, endpoint.api_key) == ("https://api.anthropic.com", "anthropic", "a")


def test_a_second_model_stands_at_the_same_endpoint_unless_another_is_named() -> None:
    same = asked(**CLAUDE, model_fallback_name="claude-old")[1]
    assert (same.model, same.base_url, same.api, same.api_key) == (
        "claude-old",
        "https://api.anthropic.com",
        "anthropic",
        "a",
    )
    elsewhere = asked(**CLAUDE, model_fallback_name="small", model_fallback_base_url="http://127.0.0.1:1/v1")[1]
    assert (elsewhere.api, elsewhere.api_key) == ("openai", None), "a key is for its own endpoint"
    other = asked(**LOCAL, model_api_key="a", model_fallback_api="anthropic", model_fallback_name="c")[1]
    assert (other.base_url, other.api_key) == ("https://api.anthropic.com", None)


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "PRESSWORK_MODEL_NAME"),
        ({"model_name": "small"}, "PRESSWORK_MODEL_BASE_URL"),
        ({**LOCAL, "model_input_usd": "1"}, "PRESSWORK_MODEL_OUTPUT_USD"),
        ({**LOCAL, "model_fallback_base_url": "http://127.0.0.1:1/v1"}, "PRESSWORK_MODEL_FALLBACK_NAME"),
        ({**CLAUDE, "model_fallback_name": "b", "model_fallback_api": "openai"}, "PRESSWORK_MODEL_FALLBACK_BASE_URL"),
        ({**LOCAL, "model_fallback_output_usd": "1"}, "PRESSWORK_MODEL_FALLBACK_INPUT_USD"),
    ],
)
def test_what_is_missing_is_named_where_a_model_is_wanted_and_only_there(
    environment: dict[str, str], what: str
) -> None:
    for settings, switch in ((GenerationSettings, "engine"), (EvaluationSettings, "judge")):
        with pytest.raises(ValidationError, match=f"{what}.*PRESSWORK_{switch.upper()}=offline"):
            settings(**{switch: "model"}, **environment)
        assert settings(**environment).model_dump()[switch] == "offline"


def test_who_asks_no_model_loads_no_client() -> None:
    look = (
        "import sys, services.generation.app, services.evaluation.app, shared.llm;"
        "print({name.partition('.')[0] for name in sys.modules}"
        " & {'pydantic_ai', 'openai', 'anthropic', 'genai_prices', 'httpx2'})"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
