"""From values to colours."""

from .colormap import (
    ACCENT,
    CLASSES,
    COLORMAPS,
    DARK,
    DIVERGING,
    FLAG,
    LIGHT,
    LOUD,
    PADDED,
    Theme,
    apply,
    choose,
    css_gradient,
    is_diverging,
    overlay,
    palette,
    rgb,
    table,
)
from .heat import SIGNS, Heat
from .picture import fitted, to_picture
from .scale import GAP, LEVELS, to_uint8, value_range, value_ranges
from .shaded import Shaded

__all__ = [
    "ACCENT",
    "CLASSES",
    "COLORMAPS",
    "DARK",
    "DIVERGING",
    "FLAG",
    "GAP",
    "LEVELS",
    "LIGHT",
    "LOUD",
    "PADDED",
    "SIGNS",
    "Heat",
    "Shaded",
    "Theme",
    "apply",
    "choose",
    "css_gradient",
    "fitted",
    "is_diverging",
    "overlay",
    "palette",
    "rgb",
    "table",
    "to_picture",
    "to_uint8",
    "value_range",
    "value_ranges",
]
