"""Training, and films of it."""

from .frame import Frame
from .recorder import Recorder
from .recording import Recording

__all__ = ["Frame", "Recorder", "Recording"]
