"""What stands in the page: bqplot figures, pictures, markup."""

from .figure import Box, PixelFigure, type_size
from .helper import helped
from .markup import number
from .scatter_figure import ScatterFigure
from .shared import layout, plain, sharing
from .swap import Stage, Swapped, Text
from .tree import close_tree, tree, widgets_in

__all__ = [
    "Box",
    "PixelFigure",
    "ScatterFigure",
    "Stage",
    "Swapped",
    "Text",
    "close_tree",
    "helped",
    "layout",
    "number",
    "plain",
    "sharing",
    "tree",
    "type_size",
    "widgets_in",
]
