"""Turning bytes into text when nobody says in which encoding they are."""

import codecs
import re
from contextlib import suppress

from charset_normalizer import from_bytes

from services.media.extraction.document import Unreadable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?([\w.:\-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s{0,100}<\?xml[^>]{0,200}?encoding\s{0,5}=\s{0,5}[\"']([\w.:\-]{1,40})", re.IGNORECASE)
# Browsers read these names as their supersets (WHATWG Encoding); Python keeps them apart.
_SUPERSETS = {
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
}
# Python also knows "hex", "idna" or "utf-7", which a page could name to be read as something it does not show.
_FOR_TEXT = re.compile(r"utf-8|ascii|(?:cp|iso8859|iso2022|euc|gb|big5|koi8|mac|shift_jis|johab|hz)[\w\-]*")
_SAMPLE = 65_536


def decode(data: bytes, charset: str | None = None, *, html: bool = False) -> str:
    """The text of some bytes, lines ended by `\\n`: by byte order mark, by named or declared `charset`, as UTF-8, or
    as the encoding that fits best. Raises Unreadable when none does.
    """
    return _decoded(data, charset, html).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _decoded(data: bytes, charset: str | None, html: bool) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, errors="replace")
    declared = (charset, _declared(data) if html else None, "utf-8")
    for encoding in filter(None, map(_known, filter(None, declared))):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    # UTF-8 with a few broken bytes (cut, or patched together) is still UTF-8.
    text = data.decode("utf-8", errors="replace")
    if text.count("\ufffd") * 20 < sum(character > "\x7f" for character in text):
        return text
    # The sample starts where the first foreign byte is, so that a long English preface does not hide what follows.
    first = next((match.start() for match in re.finditer(rb"[\x80-\xff]", data)), 0)
    best = from_bytes(data[max(0, first - 1024) : first + _SAMPLE]).best()
    if best is None:
        raise Unreadable("The encoding of this text cannot be told. Save it as UTF-8 and try again.")
    return data.decode(_SUPERSETS.get(best.encoding, best.encoding), errors="replace")


def _declared(data: bytes) -> str | None:
    found = _XML.search(data[:1024]) or _META.search(data[:4096])
    return found.group(1).decode("ascii") if found else None


def _known(name: str) -> str | None:
    try:
        encoding = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return _SUPERSETS.get(encoding, encoding) if _FOR_TEXT.fullmatch(encoding) else None
