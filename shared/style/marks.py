"""What gives a voice away: the patterns by which marks of style are counted."""

from __future__ import annotations

import re
from typing import Final

import regex

EMOJI: Final = regex.compile(
    r"(?:\p{EPres}|\p{Emoji}\uFE0F)\p{EMod}?(?:\u200D(?:\p{EPres}|\p{Emoji}\uFE0F?)\p{EMod}?)*"
)
HASHTAG: Final = re.compile(r"(?<![\w&/#])#[^\W_][\w]*")
LINK: Final = re.compile(r"https?://\S+")
CONTRACTION: Final = re.compile(r"\b\w+['’](?:s|re|ve|ll|d|t|m)\b", re.I)
FIRST: Final = re.compile(r"\b(?:I|me|my|mine)\b|(?<!\w)(?:저는|제가|저의|나는|내가)")
PLURAL: Final = re.compile(r"\b(?:we|us|our|ours)\b|(?<!\w)(?:우리|저희)", re.I)
READER: Final = re.compile(r"\b(?:you|your|yours)\b|여러분|당신", re.I)
POLITE: Final = re.compile(
    r"(?:니다|니까|세요|시오|어요|아요|해요|에요|예요|까요|나요|가요|게요|네요|군요|지요|죠)[.!?…\"'”’]*$"
)
BULLET: Final = re.compile(r"^\s*(?:[-*•–→✓·]|\d{1,2}[.)])\s+")
FIGURE: Final = re.compile(r"\d")


def asks(sentence: str) -> bool:
    """Whether a sentence is a question."""
    return sentence.rstrip("\"'”’」』) ").endswith(("?", "？"))
