"""How a service is told which models to ask."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings

from .endpoint import ANTHROPIC, Api, Endpoint
from .spending import Prices


class ModelSettings(ServiceSettings):
    """The environment of services that ask language models."""

    model_api: Api = Field("openai", description="What the endpoint speaks: `openai` or `anthropic`.")
    model_base_url: str | None = Field(
        None, description="Address of the endpoint, for `openai` up to `/v1`; empty with `anthropic`: Anthropic's own."
    )
    model_api_key: SecretStr | None = Field(None, description="The endpoint's key; empty when it wants none.")
    model_name: str | None = Field(None, description="Name of the model at the endpoint.")
    model_output: Literal["prompted", "native"] = Field(
        "prompted",
        description="How the form of answers is asked for: in words, or by a JSON Schema that the endpoint enforces.",
    )
    model_answer_tokens: int = Field(
        8192, ge=256, le=128_000, description="Most tokens of one answer, those of its reasoning included."
    )
    model_input_usd: Decimal | None = Field(
        None, ge=0, description="US dollars for a million tokens sent; without it, the provider's known price."
    )
    model_output_usd: Decimal | None = Field(
        None, ge=0, description="US dollars for a million tokens answered; set both or neither."
    )
    model_fallback_name: str | None = Field(
        None,
        description="A second model, asked when the first gives no good answer; at the same endpoint, if not told.",
    )
    model_fallback_api: Literal["", "openai", "anthropic"] = Field(
        "", description="What its endpoint speaks, when it is another."
    )
    model_fallback_base_url: str | None = Field(None, description="Its endpoint, when it is another.")
    model_fallback_api_key: SecretStr | None = Field(None, description="The key of its endpoint, when it is another.")
    model_fallback_input_usd: Decimal | None = Field(None, ge=0, description="As above, for the second model.")
    model_fallback_output_usd: Decimal | None = Field(None, ge=0, description="As above; set both or neither.")

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The models in the order in which they are asked. Raises ValueError, saying what to set, when one is not
        fully known."""
        base_url = self.model_base_url or (ANTHROPIC if self.model_api == "anthropic" else None)
        if not self.model_name or not base_url:
            raise ValueError("Set PRESSWORK_MODEL_BASE_URL and PRESSWORK_MODEL_NAME for the model")
        native = self.model_output == "native"
        first = Endpoint(
            self.model_name,
            base_url,
            self.model_api,
            _secret(self.model_api_key),
            native,
            _prices("MODEL", self.model_input_usd, self.model_output_usd),
        )
        prices = _prices("MODEL_FALLBACK", self.model_fallback_input_usd, self.model_fallback_output_usd)
        if not self.model_fallback_name:
            if self.model_fallback_base_url or self.model_fallback_api:
                raise ValueError("Set PRESSWORK_MODEL_FALLBACK_NAME for the second model, or nothing of it")
            return (first,)
        if not self.model_fallback_base_url and not self.model_fallback_api:
            where, api, key = base_url, self.model_api, self.model_fallback_api_key or self.model_api_key
        else:
            # A key is for one endpoint only.
            api, key = self.model_fallback_api or "openai", self.model_fallback_api_key
            found = self.model_fallback_base_url or (ANTHROPIC if api == "anthropic" else None)
            if found is None:
                raise ValueError("Set PRESSWORK_MODEL_FALLBACK_BASE_URL for the second model")
            where = found
        return (first, Endpoint(self.model_fallback_name, where, api, _secret(key), native, prices))


def _secret(key: SecretStr | None) -> str | None:
    return key.get_secret_value() if key else None


def _prices(name: str, input_usd: Decimal | None, output_usd: Decimal | None) -> Prices:
    if (input_usd is None) != (output_usd is None):
        raise ValueError(f"Set both of PRESSWORK_{name}_INPUT_USD and PRESSWORK_{name}_OUTPUT_USD, or neither")
    return Prices(input_usd, output_usd)
