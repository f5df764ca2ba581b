"""A training as a film on disk."""

from .fields import Damaged
from .frame import WHAT, Frame, What
from .lightning import lightning_callback
from .recorder import Recorder
from .recording import Recording
from .storage import finite_range

__all__ = [
    "WHAT",
    "Damaged",
    "Frame",
    "Recorder",
    "Recording",
    "What",
    "finite_range",
    "lightning_callback",
]
