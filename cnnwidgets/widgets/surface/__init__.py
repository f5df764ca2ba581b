"""What stands in the page: bqplot figures, pictures, markup."""

from .figure import Box, PixelFigure, reserved, type_size
from .helper import helped
from .markup import number
from .scatter_figure import ScatterFigure
from .swap import Sides, Stage, Swapped, Text
from .tree import close_tree, tree, widgets_in

__all__ = [
    "Box",
    "PixelFigure",
    "ScatterFigure",
    "Sides",
    "Stage",
    "Swapped",
    "Text",
    "close_tree",
    "helped",
    "number",
    "reserved",
    "tree",
    "type_size",
    "widgets_in",
]
