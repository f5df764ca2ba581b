"""From arrays to pixels: numpy and Pillow only, uint8 pictures or PNG bytes out."""

from __future__ import annotations

from .card import TRUE, Card, Panel, card
from .cells import Cells
from .chart import SECOND, Chart, Line
from .colormap import (
    ACCENT,
    CLASSES,
    COLORMAPS,
    DARK,
    DIVERGING,
    LIGHT,
    LOUD,
    SEQUENTIAL,
    Theme,
    apply,
    choose,
    css_gradient,
    is_diverging,
    overlay,
    palette,
    table,
)
from .grid import Grid, mosaic
from .heat import SIGNS, Heat
from .picture import Picture, fitted, to_picture
from .png import encode_png, encode_still
from .scale import GAP, LEVELS, NONFINITE, Range, to_uint8, value_range, value_ranges
from .shaded import Shaded
from .sheet import sheet
from .strip import Strip, strip

__all__ = [
    "ACCENT",
    "CLASSES",
    "COLORMAPS",
    "DARK",
    "DIVERGING",
    "GAP",
    "LEVELS",
    "LIGHT",
    "LOUD",
    "NONFINITE",
    "SECOND",
    "SEQUENTIAL",
    "SIGNS",
    "TRUE",
    "Card",
    "Cells",
    "Chart",
    "Grid",
    "Heat",
    "Line",
    "Panel",
    "Picture",
    "Range",
    "Shaded",
    "Strip",
    "Theme",
    "apply",
    "card",
    "choose",
    "css_gradient",
    "encode_png",
    "encode_still",
    "fitted",
    "is_diverging",
    "mosaic",
    "overlay",
    "palette",
    "sheet",
    "strip",
    "table",
    "to_picture",
    "to_uint8",
    "value_range",
    "value_ranges",
]
