"""Training, and films of it."""

from .frame import Frame
from .lightning import lightning_callback
from .recorder import Recorder
from .recording import Recording

__all__ = ["Frame", "Recorder", "Recording", "lightning_callback"]
