"""ReceptiveFieldView: which pixels a unit sees."""

from .view import ReceptiveFieldView

__all__ = [
    "ReceptiveFieldView",
]
