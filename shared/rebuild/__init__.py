"""Read tables filled anew from the events, beside the ones that serve, and put in their place at once."""

from shared.rebuild.refusal import Interrupted, Refused
from shared.rebuild.run import Copied, Progress, Rebuilt, Told, copy_as_of, rebuild

__all__ = ["Copied", "Interrupted", "Progress", "Rebuilt", "Refused", "Told", "copy_as_of", "rebuild"]
