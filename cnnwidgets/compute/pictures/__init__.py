"""Pictures that a user gives beside a data set: read from everything that may hold one, numbered, and remembered."""

from .kept import FIRST, KEPT, OwnImage, adopt, is_own, own_image
from .pen import Pen, pen_of
from .reading import in_bytes, read_picture, sized

__all__ = [
    "FIRST",
    "KEPT",
    "OwnImage",
    "Pen",
    "adopt",
    "in_bytes",
    "is_own",
    "own_image",
    "pen_of",
    "read_picture",
    "sized",
]
