"""Panels that several views share, and what shows them on the page."""

from .box import Columns, PanelBox, lines_html
from .channel import channel_panel
from .column import DETAIL, GRID, HOVERED, INPUT, CardPanel
from .grid import grid_panel, grid_sizes
from .image import classes_panel, image_panel, image_panels
from .map import NOTHING, Around, MapPanel, padded_palette
from .old.channel import ChannelPanel
from .old.grid import GridPanel
from .old.image import ImagePanel
from .photo import PHOTO, enlarged
from .prediction import prediction_panel, with_truth
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
    "Columns",
    "GridPanel",
    "ImagePanel",
    "MapPanel",
    "PanelBox",
    "Table",
    "channel_panel",
    "classes_panel",
    "enlarged",
    "grid_panel",
    "grid_sizes",
    "image_panel",
    "image_panels",
    "lines_html",
    "padded_palette",
    "prediction_panel",
    "tables_html",
    "with_truth",
]
