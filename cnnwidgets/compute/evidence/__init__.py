"""What a scan tells: which part of an image a place sees, and which channels know a class."""

from .patches import Patch, patch_of
from .ranking import MEASURES, Ranked, by_class, knowing, saturated

__all__ = ["MEASURES", "Patch", "Ranked", "by_class", "knowing", "patch_of", "saturated"]
