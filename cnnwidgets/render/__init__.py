"""NumPy and Pillow only: arrays in, pixels out."""

from .png import encode_png, encode_still

__all__ = [
    "encode_png",
    "encode_still",
]
