"""CompareView and CompareFrames: networks, edits, images or moments of a training, with one set of controls."""

from .columns import MOST
from .frames import CompareFrames
from .view import CompareView

__all__ = [
    "MOST",
    "CompareFrames",
    "CompareView",
]
