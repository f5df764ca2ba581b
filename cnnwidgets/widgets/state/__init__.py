"""What is looked at, and what is remembered."""

from .cache import ByteCache
from .subject import Look, Subject
from .thumbnails import Thumbnails
from .traits import Colormap, Given, Pixel, Scale, ScoreOf, Whole

__all__ = [
    "ByteCache",
    "Colormap",
    "Given",
    "Look",
    "Pixel",
    "Scale",
    "ScoreOf",
    "Subject",
    "Thumbnails",
    "Whole",
]
