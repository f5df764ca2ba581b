"""Panels that several views share."""

from .channel import DETAIL, GRID, HOVERED, INPUT, ChannelPanel, GridPanel, ImagePanel
from .map import NOTHING, Around, MapPanel
from .prediction import with_truth
from .table import STYLE, Table, tables_html

__all__ = [
    "DETAIL",
    "GRID",
    "HOVERED",
    "INPUT",
    "NOTHING",
    "STYLE",
    "Around",
    "ChannelPanel",
    "GridPanel",
    "ImagePanel",
    "MapPanel",
    "Table",
    "tables_html",
    "with_truth",
]
