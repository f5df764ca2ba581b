"""A look runs on a shadow: a copy of the model that shares its weights, so that the model itself cannot change."""

from .copying import Unshadowed
from .looking import looking, shadow_of

__all__ = ["Unshadowed", "looking", "shadow_of"]
