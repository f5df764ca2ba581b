"""Text on pixels."""

from .numerals import READABLE, ink, numerals
from .pen import Pen, fitting_size, text_length, wrapped

__all__ = [
    "READABLE",
    "Pen",
    "fitting_size",
    "ink",
    "numerals",
    "text_length",
    "wrapped",
]
