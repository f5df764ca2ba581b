"""Where in the code of a network an operation is called, and modes that hear of it."""

from .modes import PassMode, no_mode_left
from .sites import Place, Site, caller, in_trace_only, operated, place_of, step_of

__all__ = [
    "PassMode",
    "Place",
    "Site",
    "caller",
    "in_trace_only",
    "no_mode_left",
    "operated",
    "place_of",
    "step_of",
]
