"""Read tables filled anew from the events, beside the ones that serve, and put in their place at once."""

from shared.rebuild.refusal import Refused
from shared.rebuild.run import Progress, Rebuilt, Told, rebuild

__all__ = ["Progress", "Rebuilt", "Refused", "Told", "rebuild"]
