"""What media lets go: bytes that nothing names, rows whose bytes are gone, and what broken uploads left behind."""

from __future__ import annotations

from services.media.orphans import Leftovers, LostBytes, OrphanedBytes
from shared.retention import Rule

_AFTER = "retention_orphans_days"

RULES = (
    Rule("orphaned_bytes", "bytes in storage that no row names", _AFTER, OrphanedBytes()),
    Rule("lost_files", "rows whose bytes are not in storage any more", _AFTER, LostBytes()),
    Rule("unfinished_uploads", "pieces of uploads that never ended", _AFTER, Leftovers()),
)
