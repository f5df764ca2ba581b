"""Panels that several views share."""

from .channel import ChannelPanel
from .column import DETAIL, GRID, HOVERED, INPUT, CardPanel
from .grid import GridPanel
from .image import ImagePanel
from .map import NOTHING, Around, MapPanel, padded_palette
from .photo import PHOTO, enlarged
from .prediction import with_truth
from .table import STYLE, Table, tables_html

__all__ = [
    "DETAIL",
    "GRID",
    "HOVERED",
    "INPUT",
    "NOTHING",
    "PHOTO",
    "STYLE",
    "Around",
    "CardPanel",
    "ChannelPanel",
    "GridPanel",
    "ImagePanel",
    "MapPanel",
    "Table",
    "enlarged",
    "padded_palette",
    "tables_html",
    "with_truth",
]
