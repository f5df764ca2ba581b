"""Train networks: a loop as a generator, a trainer around it, its history, and recordings of a training."""

from .loop import Control, Epoch, History, Score, Step, Trainer, evaluate, fit, set_seed
from .recording import Frame, Recorder, Recording, lightning_callback

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
