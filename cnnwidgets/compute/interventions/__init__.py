"""Change what a network computes, for a while, and see what follows."""

from .edits import Ablate, Add, Apply, Clamp, Edit, Noise, Replace, Scale
from .effects import ChannelAblator, ChannelEffects, channel_effects
from .graph import norms_behind
from .intervention import EditedTwin, Edits, Intervention, intervene, interventions_of
from .patching import LayerPatcher, Patching, patching
from .units import ClassUnits, units_for_class

__all__ = [
    "Ablate",
    "Add",
    "Apply",
    "ChannelAblator",
    "ChannelEffects",
    "Clamp",
    "ClassUnits",
    "Edit",
    "EditedTwin",
    "Edits",
    "Intervention",
    "LayerPatcher",
    "Noise",
    "Patching",
    "Replace",
    "Scale",
    "channel_effects",
    "intervene",
    "interventions_of",
    "norms_behind",
    "patching",
    "units_for_class",
]
