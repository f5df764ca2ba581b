"""A place that a hand moves in the page, by mouse and sliders, at once; the kernel follows."""

from .exported import Control, Own, moves
from .steered import STEERED, Message, Place, Slot, Steered, new_name

__all__ = [
    "STEERED",
    "Control",
    "Message",
    "Own",
    "Place",
    "Slot",
    "Steered",
    "moves",
    "new_name",
]
