"""What one call of a model took, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_CHARACTERS_A_TOKEN: Final = 4
_SMALLEST: Final = Decimal("0.000001")  # what the table of token usage holds


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens, as the operator sets them; without them, what is publicly known is taken."""

    input_usd: Decimal | None = None
    output_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of all requests of one call of one model. `cost_usd` is None when no price is known."""

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None = None

    @property
    def cost(self) -> str | None:
        """The cost as events carry it: a decimal number of millionths of a dollar."""
        return None if self.cost_usd is None else str(self.cost_usd.quantize(_SMALLEST))


def spent(model: str, base_url: str, input_tokens: int, output_tokens: int, prices: Prices) -> Spent:
    """What these tokens cost at the endpoint: by the operator's prices, else by those of a provider that is known."""
    return Spent(model, input_tokens, output_tokens, _cost(model, base_url, input_tokens, output_tokens, prices))


def estimated(characters: int) -> int:
    """Tokens of so much text, where nobody counted them."""
    return characters // _CHARACTERS_A_TOKEN + 1


def _cost(model: str, base_url: str, input_tokens: int, output_tokens: int, prices: Prices) -> Decimal | None:
    if prices.input_usd is not None and prices.output_usd is not None:
        return (prices.input_usd * input_tokens + prices.output_usd * output_tokens) / 1_000_000
    # Only who uses a model pays for its list of prices.
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        return Decimal(calc_price(usage, model_ref=model, provider_api_url=base_url).total_price)
    except LookupError:
        return None  # an endpoint of one's own, or a model too new for the list
