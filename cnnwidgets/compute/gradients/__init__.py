"""Watch and edit the gradients of a training."""

from .editing import edit_gradients
from .edits import GradientEdits, edits_of
from .hooks import OR_COMPILED, can_run_eagerly, eager, in_backward, in_trace, is_compiled, is_replica
from .watch import Seen, Watched, watching

__all__ = [
    "OR_COMPILED",
    "GradientEdits",
    "Seen",
    "Watched",
    "can_run_eagerly",
    "eager",
    "edit_gradients",
    "edits_of",
    "in_backward",
    "in_trace",
    "is_compiled",
    "is_replica",
    "watching",
]
