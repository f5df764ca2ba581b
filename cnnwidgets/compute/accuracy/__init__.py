"""How often a network is right over a data set, class by class, before and after an intervention."""

from .accuracy import accuracy_effects
from .meter import AccuracyMeter
from .result import AccuracyEffects

__all__ = [
    "AccuracyEffects",
    "AccuracyMeter",
    "accuracy_effects",
]
