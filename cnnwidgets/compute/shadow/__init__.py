"""A look runs on a shadow: a copy of the model that shares its weights, so that the model itself cannot change."""

from .copying import Unshadowed
from .evaluating import evaluating
from .looking import looking, shadow_of, twin_of
from .recall import Known, recallable, recalled

__all__ = [
    "Known",
    "Unshadowed",
    "evaluating",
    "looking",
    "recallable",
    "recalled",
    "shadow_of",
    "twin_of",
]
