"""What is looked at, and what is remembered."""

from .cache import ByteCache
from .memory import Memory
from .subject import Look, Snapshot, Subject
from .thumbnails import Thumbnails
from .traits import Colormap, Given, Index, Number, Pixel, Place, Scale, ScoreOf, Target, Whole

__all__ = [
    "ByteCache",
    "Colormap",
    "Given",
    "Index",
    "Look",
    "Memory",
    "Number",
    "Pixel",
    "Place",
    "Scale",
    "ScoreOf",
    "Snapshot",
    "Subject",
    "Target",
    "Thumbnails",
    "Whole",
]
