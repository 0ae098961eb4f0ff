"""Where a model is asked, and the client that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from .spending import Prices

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

Api = Literal["openai", "anthropic"]

ANTHROPIC: Final = "https://api.anthropic.com"
# Eight thousand tokens are some 40 KB: what goes far beyond is no answer, and need not fill the memory.
_MOST_BYTES: Final = 4 * 1024 * 1024
_CONNECT_SECONDS: Final = 5.0
# One silent try again for a dropped connection or a busy endpoint; everything else is the next model's.
_RETRIES: Final = 1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address. `native`: the endpoint enforces the form of answers by a JSON Schema."""

    model: str
    base_url: str
    api: Api = "openai"
    api_key: str | None = field(default=None, repr=False)
    native: bool = False
    prices: Prices = field(default_factory=Prices)


class AnswerTooBig(Exception):
    """The endpoint sent more bytes than any answer has."""


def client(endpoint: Endpoint, timeout: float) -> Model:
    """The model behind an endpoint; `timeout` is in seconds for one request. Loads the libraries."""
    import httpx2

    http = httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout, connect=_CONNECT_SECONDS),
        event_hooks={"response": [_bound]},
        follow_redirects=False,  # the key is for this address
    )
    return _anthropic(endpoint, http) if endpoint.api == "anthropic" else _openai(endpoint, http)


def _openai(endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    sdk = AsyncOpenAI(
        base_url=endpoint.base_url, api_key=endpoint.api_key or "none", max_retries=_RETRIES, http_client=http
    )
    # OpenAI itself has renamed the field; everybody else knows the old name.
    itself = (urlsplit(endpoint.base_url).hostname or "").endswith(".openai.com")
    profile = OpenAIModelProfile(
        supports_json_schema_output=endpoint.native, openai_chat_supports_max_completion_tokens=itself
    )
    return OpenAIChatModel(endpoint.model, provider=OpenAIProvider(openai_client=sdk), profile=profile)


def _anthropic(endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    sdk = AsyncAnthropic(
        base_url=endpoint.base_url, api_key=endpoint.api_key or "none", max_retries=_RETRIES, http_client=http
    )
    return AnthropicModel(endpoint.model, provider=AnthropicProvider(anthropic_client=sdk))


async def _bound(response: httpx2.Response) -> None:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = _MOST_BYTES
            async for chunk in self._stream:
                if (left := left - len(chunk)) < 0:
                    raise AnswerTooBig
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = Bounded(response.stream)
