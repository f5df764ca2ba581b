"""Many tiles in one picture."""

from .barcodes import ACROSS, HIGH, barcodes, contact_sheet, shown_step, squares
from .cells import Cells, Ordered
from .grid import Grid, mosaic
from .rgb import rgb_mosaic, signed_rgb
from .strip import Strip, strip
from .table import LINE, TableCells, heat_table
from .titles import HEAD, title_width, titled
from .window import Box, Window, enlarged, nearly_square

__all__ = [
    "ACROSS",
    "HEAD",
    "HIGH",
    "LINE",
    "Box",
    "Cells",
    "Grid",
    "Ordered",
    "Strip",
    "TableCells",
    "Window",
    "barcodes",
    "contact_sheet",
    "enlarged",
    "heat_table",
    "mosaic",
    "nearly_square",
    "rgb_mosaic",
    "shown_step",
    "signed_rgb",
    "squares",
    "strip",
    "title_width",
    "titled",
]
