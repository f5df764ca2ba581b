"""Many tiles in one picture."""

from .barcodes import ACROSS, HIGH, barcodes, contact_sheet, shown_step, squares
from .cells import Cells
from .grid import Grid, mosaic
from .rgb import rgb_mosaic, signed_rgb
from .strip import Strip, strip
from .titles import HEAD, title_width, titled
from .window import Box, Window, enlarged, nearly_square

__all__ = [
    "ACROSS",
    "HEAD",
    "HIGH",
    "Box",
    "Cells",
    "Grid",
    "Strip",
    "Window",
    "barcodes",
    "contact_sheet",
    "enlarged",
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
