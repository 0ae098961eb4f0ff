"""One line of JSON that never fails: a log or span is no place to lose a line over an odd value."""

import json

import orjson


def json_line(value: object) -> bytes:
    """`value` as JSON in UTF-8 with a newline; what JSON does not know becomes its `str`, half a surrogate pair `?`."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: the slower way takes them
        text = json.dumps(value, default=str, skipkeys=True, ensure_ascii=False)
        return text.encode(errors="replace") + b"\n"
