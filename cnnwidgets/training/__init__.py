"""Train networks: a loop as a generator, a trainer around it, its history, and recordings of a training."""

from .control import Control
from .frame import Frame
from .history import Epoch, History, Step
from .lightning import lightning_callback
from .loop import Score, evaluate, fit
from .randomness import set_seed
from .recorder import Recorder
from .recording import Recording
from .trainer import Trainer

__all__ = [
    "Control",
    "Epoch",
    "Frame",
    "History",
    "Recorder",
    "Recording",
    "Score",
    "Step",
    "Trainer",
    "evaluate",
    "fit",
    "lightning_callback",
    "set_seed",
]
