"""What edits do to a score: channel by channel, unit by unit, layer by layer."""

from .ablator import ChannelAblator
from .channels import ChannelEffects
from .effects import channel_effects
from .patching import LayerPatcher, Patching, patching
from .units import ClassUnits, units_for_class

__all__ = [
    "ChannelAblator",
    "ChannelEffects",
    "ClassUnits",
    "LayerPatcher",
    "Patching",
    "channel_effects",
    "patching",
    "units_for_class",
]
