"""Text on pixels."""

from .numerals import READABLE, ink, numerals
from .pen import Pen, fitting_size, load_font, resized, text_length, wrapped

__all__ = [
    "READABLE",
    "Pen",
    "fitting_size",
    "ink",
    "load_font",
    "numerals",
    "resized",
    "text_length",
    "wrapped",
]
