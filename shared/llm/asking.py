"""A question put to a model, and to a second one when the first is of no use: checked, repaired once, paid for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from opentelemetry.trace import Status, StatusCode
from pydantic import BaseModel

from shared.telemetry import semconv
from shared.telemetry.tracing import SpanKind, span

from .endpoint import Endpoint, client
from .failures import Failure, failure
from .spending import Spent, estimated, spent

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.models import Model
    from pydantic_ai.usage import RunUsage

_log = logging.getLogger(__name__)
_REPAIRS: Final = 1
_SAID: Final = 300  # characters of what the endpoint said, for the operator's log
# Of the time for all; a second model answers faster than the one that was wanted.
_SHARE_OF_THE_FIRST: Final = 2 / 3

A = TypeVar("A", bound=BaseModel)
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """What a model answered, what that took, and why those asked before it are not `model`."""

    value: A
    model: str
    usage: Mapping[str, Any]
    spent: tuple[Spent, ...]
    failures: tuple[Failure, ...] = ()


class NoAnswer(Exception):
    """No model gave an answer that can be used. `failures` says why, one each; `spent` what that took."""

    def __init__(self, failures: Sequence[Failure], spent: Sequence[Spent]) -> None:
        super().__init__("; ".join(each.detail for each in failures))
        self.failures = tuple(failures)
        self.spent = tuple(spent)


class Asker(Generic[A, D]):
    """Asks for answers of one form, by one set of instructions.

    `check` looks at an answer beside what it is about and says in a sentence what is wrong with it, which the model is
    told once. `timeout` is in seconds for all models together, `answer_tokens` the most that one answer may have.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        form: type[A],
        instructions: str,
        check: Callable[[A, D], str],
        timeout: float,
        answer_tokens: int = 8192,
    ) -> None:
        self._endpoints, self._form, self._instructions, self._check = tuple(endpoints), form, instructions, check
        self._timeout, self._answer_tokens = timeout, answer_tokens
        self._clients: list[tuple[Endpoint, Agent[D, A], Model]] = []
        self._building = asyncio.Lock()

    async def ask(self, message: str, about: D) -> Answer[A]:
        """The first answer that can be used. Raises NoAnswer when there is none in time."""
        async with self._building:
            # Only who uses a model pays for the libraries, and not on the event loop.
            if not self._clients:
                self._clients = await asyncio.to_thread(self._build)
        clock = asyncio.get_running_loop().time
        ends = clock() + self._timeout
        failures: list[Failure] = []
        bill: list[Spent] = []
        for number, (endpoint, agent, model) in enumerate(self._clients, start=1):
            last = number == len(self._clients)
            seconds = max(0.0, ends - clock()) * (1 if last else _SHARE_OF_THE_FIRST)
            used = _usage()
            with _span(endpoint) as asked:
                try:
                    async with asyncio.timeout(seconds):
                        result = await agent.run(message, model=model, deps=about, usage=used)
                except Exception as error:
                    failed = failure(error, endpoint.model, seconds)
                    # Not the exception as it is: it may hold the whole answer, which is anybody's text.
                    asked.set_attribute("error.type", failed.reason)
                    asked.set_status(Status(StatusCode.ERROR, failed.reason))
                    said = str(getattr(error, "message", error))[:_SAID]
                    known = {"reason": failed.reason, "model": failed.model, "said": said}
                    _log.warning("a model gave no answer: %s", failed.detail, extra=known)
                    failures.append(failed)
                    bill += self._bill(endpoint, used, message, sent=failed.reason in ("timeout", "too_big"))
                    continue
                asked.set_attributes(semconv.answered(used.input_tokens, used.output_tokens))
            bill += self._bill(endpoint, used, message, sent=True)
            usage = {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens, "requests": used.requests}
            return Answer(result.output, endpoint.model, usage, tuple(bill), tuple(failures))
        raise NoAnswer(failures, bill)

    def _bill(self, endpoint: Endpoint, used: RunUsage, message: str, *, sent: bool) -> list[Spent]:
        """What a run took. Who does not count, or is cut off in the middle, is taken to have read what was `sent`."""
        sent_tokens, answered = used.input_tokens, used.output_tokens
        if sent and not sent_tokens:
            sent_tokens = estimated(len(message) + len(self._instructions))
        if not sent_tokens and not answered:
            return []
        return [spent(endpoint.model, endpoint.base_url, sent_tokens, answered, endpoint.prices)]

    def _build(self) -> list[tuple[Endpoint, Agent[D, A], Model]]:
        from pydantic_ai import Agent, ModelRetry, NativeOutput, PromptedOutput, RunContext
        from pydantic_ai.settings import ModelSettings

        found = []
        for endpoint in self._endpoints:
            agent: Agent[D, A] = Agent(
                output_type=NativeOutput(self._form) if endpoint.native else PromptedOutput(self._form),
                instructions=self._instructions,
                deps_type=object,  # type: ignore[arg-type]
                model_settings=ModelSettings(max_tokens=self._answer_tokens),
                retries=_REPAIRS,
            )

            @agent.output_validator
            def check(context: RunContext[D], answer: A) -> A:
                if fault := self._check(answer, context.deps):
                    raise ModelRetry(fault)
                return answer

            found.append((endpoint, agent, client(endpoint, self._timeout)))
        return found


def _span(endpoint: Endpoint) -> span:
    host = urlsplit(endpoint.base_url).hostname or ""
    attributes = semconv.asking(endpoint.model, api=endpoint.api, host=host)
    return span(semconv.asking_name(endpoint.model), kind=SpanKind.CLIENT, attributes=attributes)


def _usage() -> RunUsage:
    from pydantic_ai.usage import RunUsage

    return RunUsage()
