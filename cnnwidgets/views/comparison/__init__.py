"""CompareView and CompareFrames: networks, edits, images or moments of a training, with one set of controls."""

from .frames import CompareFrames
from .view import CompareView

__all__ = [
    "CompareFrames",
    "CompareView",
]
