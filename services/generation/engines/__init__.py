"""Engines: whatever writes drafts, behind one port."""

from .factory import build
from .port import Engine, NothingToWrite, Request, Source, Written
from .provenance import provenance

__all__ = ["Engine", "NothingToWrite", "Request", "Source", "Written", "build", "provenance"]
