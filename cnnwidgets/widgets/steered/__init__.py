"""A place that a hand moves in the page, by mouse and sliders, at once; the kernel follows."""

from .steered import STEERED, Message, Place, Slot, Steered, new_name

__all__ = [
    "STEERED",
    "Message",
    "Place",
    "Slot",
    "Steered",
    "new_name",
]
