"""Panels that several views share, and what shows them on the page."""

from .box import Columns, PanelBox, WholeBox, lines_html
from .channel import channel_panel
from .column import DETAIL, GRID, HOVERED, INPUT, CardPanel
from .curve import CurveBox, CurvePanel, curve_panel
from .grid import grid_panel, grid_sizes, painted_grid
from .image import PHOTO, classes_panel, enlarged, image_panel, image_panels
from .map import NOTHING, Around, MapPanel, map_panel, padded_palette
from .painted import Paint, PaintedBox, PaintedPanel, ScriptedBox
from .prediction import prediction_panel, with_truth
from .table import STYLE as TABLE_STYLE
from .table import strip_panel, table_panel, tables_panel

__all__ = [
    "DETAIL",
    "GRID",
    "HOVERED",
    "INPUT",
    "NOTHING",
    "PHOTO",
    "TABLE_STYLE",
    "Around",
    "CardPanel",
    "Columns",
    "CurveBox",
    "CurvePanel",
    "MapPanel",
    "Paint",
    "PaintedBox",
    "PaintedPanel",
    "PanelBox",
    "ScriptedBox",
    "WholeBox",
    "channel_panel",
    "classes_panel",
    "curve_panel",
    "enlarged",
    "grid_panel",
    "grid_sizes",
    "image_panel",
    "image_panels",
    "lines_html",
    "map_panel",
    "padded_palette",
    "painted_grid",
    "prediction_panel",
    "strip_panel",
    "table_panel",
    "tables_panel",
    "with_truth",
]
