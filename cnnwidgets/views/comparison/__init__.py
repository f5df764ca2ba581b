"""CompareView and CompareFrames: networks, edits, images or moments of a training, with one set of controls."""

from .compare import compare
from .frames import CompareFrames
from .view import CompareView

__all__ = [
    "CompareFrames",
    "CompareView",
    "compare",
]
