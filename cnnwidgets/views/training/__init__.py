"""TrainingView: curves and maps of a network while it learns."""

from .view import TrainingView

__all__ = [
    "TrainingView",
]
