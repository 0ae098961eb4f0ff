"""Reading LinkedIn's little text format, strictly: whatever is reserved must be escaped or part of an element."""

from __future__ import annotations

import regex

_TOKEN = regex.compile(
    r"""\\(?P<escaped>[\\<>#~_|\[\]*(){}@])
      | \{hashtag\|\\?[#＃]\|(?P<hashtag>(?:[^\\<>#~_|\[\]*(){}@]|\\[\\<>#~_|\[\]*(){}@])+)\}
      | @\[(?P<mention>[^\]]+)\]\(urn:li:(?:person|organization):[\w-]+\)
      | (?P<plain>[^\\<>#~_|\[\]*(){}@]+)""",
    regex.VERBOSE,
)
_UNESCAPE = regex.compile(r"\\(.)", regex.DOTALL)


def decoded(commentary: str) -> str:
    """The text as members read it. Raises ValueError naming the first reserved character that is not escaped."""
    text, at = [], 0
    while at < len(commentary):
        token = _TOKEN.match(commentary, at)
        if token is None:
            raise ValueError(f"reserved character '{commentary[at]}' at position {at} is not escaped")
        if token["hashtag"] is not None:
            text.append("#" + _UNESCAPE.sub(r"\1", token["hashtag"]))
        else:
            text.append(token["escaped"] or token["mention"] or token["plain"])
        at = token.end()
    return "".join(text)
