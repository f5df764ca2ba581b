"""Train, pause, save, and go on."""

from .control import Control
from .history import Epoch, History, Step
from .loop import Score, evaluate, fit
from .randomness import set_seed
from .trainer import Trainer

__all__ = [
    "Control",
    "Epoch",
    "History",
    "Score",
    "Step",
    "Trainer",
    "evaluate",
    "fit",
    "set_seed",
]
