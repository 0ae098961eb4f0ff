"""Reading text out of uploaded documents: what kind a file is, and its title, text and language."""

from services.media.extraction.document import Empty, Extracted, ExtractionError, Unreadable, UnsupportedType
from services.media.extraction.extractor import SUPPORTED, extract
from services.media.extraction.isolation import extract_async
from services.media.extraction.sniffing import sniff

__all__ = [
    "SUPPORTED",
    "Empty",
    "Extracted",
    "ExtractionError",
    "Unreadable",
    "UnsupportedType",
    "extract",
    "extract_async",
    "sniff",
]
