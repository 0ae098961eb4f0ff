"""Why a model gave no answer, in one word and in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .endpoint import AnswerTooBig

Reason = Literal[
    "budget",
    "timeout",
    "unauthorized",
    "unknown_model",
    "out_of_credit",
    "rate_limited",
    "too_long",
    "rejected",
    "endpoint_error",
    "unreachable",
    "too_big",
    "refused",
    "unusable",
    "failed",
]

_LATER: Final = "Ask again later."
_TOO_LONG: Final = "The text is longer than {model} can read. Give it a shorter one."


@dataclass(frozen=True, slots=True)
class Failure:
    """`detail` is for the user whose text it was: what happened, and what to do about it."""

    model: str
    reason: Reason
    detail: str


def said(failures: Sequence[Failure]) -> dict[str, str]:
    """Whose place was taken, and why, as it stands on what was written or judged instead; of the model wanted first."""
    if not failures:
        return {}
    first = failures[0]
    return {"fallback_from": first.model, "fallback_reason": first.reason, "fallback_detail": first.detail}


def failure(error: Exception, model: str, seconds: float) -> Failure:
    """What an exception of the client means; `seconds` is what the model was given."""
    return Failure(model, *_meaning(error, model, seconds))


def _meaning(error: Exception, model: str, seconds: float) -> tuple[Reason, str]:
    from pydantic_ai import exceptions

    if any(isinstance(each, AnswerTooBig) for each in _chain(error)):
        return "too_big", f"{model} answered without end. Ask the operator to choose another model."
    match error:
        case TimeoutError() | exceptions.ModelTimeoutError() | exceptions.ModelRequestTimeout():
            return "timeout", f"{model} gave no answer within {seconds:.0f} seconds. {_LATER}"
        case exceptions.ModelAuthenticationError():
            return "unauthorized", f"The endpoint of {model} does not accept the key. Ask the operator to set another."
        case exceptions.ModelNotFoundError():
            return "unknown_model", f"The endpoint knows no {model}. Ask the operator to check its name and address."
        case exceptions.ModelContextWindowExceededError():
            return "too_long", _TOO_LONG.format(model=model)
        case exceptions.ModelRequestRejectedError(provider_error_type="exceed_context_size_error"):
            return "too_long", _TOO_LONG.format(model=model)  # what llama.cpp calls it
        case exceptions.ModelQuotaExceededError():
            return "out_of_credit", f"The account at the provider of {model} has no credit left. Tell the operator."
        case exceptions.ModelRateLimitError():
            return "rate_limited", f"The endpoint of {model} takes no more requests now. {_LATER}"
        case exceptions.ModelConnectionError():
            return "unreachable", f"The endpoint of {model} cannot be reached. {_LATER}"
        case exceptions.ModelRequestRejectedError():
            return "rejected", f"The endpoint of {model} refused the request. Ask the operator to look at the log."
        case exceptions.ModelAPIError():
            return "endpoint_error", f"The endpoint of {model} is out of order. {_LATER}"
        case exceptions.OutputTokenLimitExceeded():
            return "too_big", f"The answer of {model} was longer than any may be. {_LATER}"
        case exceptions.ContentFilterError():
            return "refused", f"{model} refuses to write about this. Change the text, or write the post yourself."
        case exceptions.UnexpectedModelBehavior():
            return "unusable", f"The answer of {model} cannot be used: {_fault(error)} {_LATER}"
        case LookupError() | ValueError() | TypeError() | AttributeError():
            # The library stumbles over an answer without the parts that every answer has.
            return "unusable", f"The answer of {model} cannot be used: it cannot be read. {_LATER}"
        case _:
            return "failed", f"Asking {model} failed ({type(error).__name__}). Tell the operator."


def _fault(error: Exception) -> str:
    """What our own check said last; nothing of the answer itself, which is anybody's text."""
    from pydantic_ai import ModelRetry

    found = [each.message for each in _chain(error) if isinstance(each, ModelRetry)]
    return found[0] if found else "it has not the form that was asked for."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
