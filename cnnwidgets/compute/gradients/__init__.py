"""Watch and edit the gradients of a training."""

from .edits import GradientEdits, edits_of
from .hooks import Watched, edit_gradients, watching

__all__ = [
    "GradientEdits",
    "Watched",
    "edit_gradients",
    "edits_of",
    "watching",
]
