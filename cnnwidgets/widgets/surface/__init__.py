"""What stands in the page: bqplot figures, pictures, markup."""

from .figure import Box, PixelFigure, reserved, type_size
from .helper import helped
from .markup import number
from .scatter_figure import ScatterFigure
from .script import Scripted, front_end, joined, run_once
from .shared import layout, plain, sharing
from .swap import Sides, Stage, Swapped, Text
from .tree import close_tree, tree, widgets_in

__all__ = [
    "Box",
    "PixelFigure",
    "ScatterFigure",
    "Scripted",
    "Sides",
    "Stage",
    "Swapped",
    "Text",
    "close_tree",
    "front_end",
    "helped",
    "joined",
    "layout",
    "number",
    "plain",
    "reserved",
    "run_once",
    "sharing",
    "tree",
    "type_size",
    "widgets_in",
]
