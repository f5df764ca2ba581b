"""Change what a network computes, for a while, and see what follows."""

from .edits import Ablate, Add, Apply, Clamp, Edit, Noise, Replace, Scale
from .intervention import Intervention, intervene, interventions_of

__all__ = [
    "Ablate",
    "Add",
    "Apply",
    "Clamp",
    "Edit",
    "Intervention",
    "Noise",
    "Replace",
    "Scale",
    "intervene",
    "interventions_of",
]
