"""What a scan tells: which part of an image a place sees, and which channels know a class."""

from .order import ORDERS, SCANNED, channel_order
from .patches import Patch, patch_of
from .ranking import MEASURES, Ranked, by_class, knowing, saturated

__all__ = [
    "MEASURES",
    "ORDERS",
    "SCANNED",
    "Patch",
    "Ranked",
    "by_class",
    "channel_order",
    "knowing",
    "patch_of",
    "saturated",
]
