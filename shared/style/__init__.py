"""How a text is written, in figures: measured of samples and of drafts alike, so that writer and judge agree."""

from .comparison import Gap, gaps
from .description import described
from .measures import Style, measured
from .profile import Sample, profile

__all__ = ["Gap", "Sample", "Style", "described", "gaps", "measured", "profile"]
