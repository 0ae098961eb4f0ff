"""Judges: whatever scores drafts, behind one port."""

from .factory import build
from .port import CRITERIA, WEIGHTS, Judge, Submission, Verdict, overall

__all__ = ["CRITERIA", "WEIGHTS", "Judge", "Submission", "Verdict", "build", "overall"]
