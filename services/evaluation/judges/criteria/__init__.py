"""The five criteria, each a function from a draft to a rating."""

from collections.abc import Callable, Mapping
from typing import Final

from ..draft import Draft
from ..rating import Rating
from .clarity import rate as clarity
from .engagement import rate as engagement
from .grammar import rate as grammar
from .platform import rate as platform_appropriateness
from .style import rate as style_consistency

RATE: Final[Mapping[str, Callable[[Draft], Rating]]] = {
    "platform_appropriateness": platform_appropriateness,
    "style_consistency": style_consistency,
    "clarity": clarity,
    "engagement": engagement,
    "grammar": grammar,
}
