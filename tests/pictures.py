"""Small real images for the tests."""

from __future__ import annotations

import struct
import zlib


def png(size: int = 0, width: int = 4, height: int = 4) -> bytes:
    """A grey PNG, made at least `size` bytes long by a comment."""
    rows = b"".join(b"\0" + b"\x7f" * width for _ in range(height))
    comment = _chunk(b"tEXt", b"Comment\0" + b"x" * size) if size else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + comment
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
