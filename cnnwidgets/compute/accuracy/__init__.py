"""How often a network is right over a data set, class by class, before and after an intervention."""

from .accuracy import AccuracyEffects, AccuracyMeter, accuracy_effects

__all__ = [
    "AccuracyEffects",
    "AccuracyMeter",
    "accuracy_effects",
]
