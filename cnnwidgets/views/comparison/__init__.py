"""CompareView: networks, edits or images side by side, with one set of controls."""

from .compare import compare
from .side import SideBySide, side_by_side
from .view import CompareView

__all__ = [
    "CompareView",
    "SideBySide",
    "compare",
    "side_by_side",
]
