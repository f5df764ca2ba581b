"""Watch and edit the gradients of a training."""

from .editing import edit_gradients
from .edits import GradientEdits, edits_of
from .watch import Seen, Watched, watching

__all__ = [
    "GradientEdits",
    "Seen",
    "Watched",
    "edit_gradients",
    "edits_of",
    "watching",
]
