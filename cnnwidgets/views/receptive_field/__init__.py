"""ReceptiveFieldView: which pixels a unit sees."""

from .panels import PHOTO
from .view import ReceptiveFieldView

__all__ = [
    "PHOTO",
    "ReceptiveFieldView",
]
