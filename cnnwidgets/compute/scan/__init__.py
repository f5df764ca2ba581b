"""Numbers of every channel over a whole data set, in one pass that can be stopped, merged and taken up again."""

from .layer_scan import LayerScan, Place
from .measured import LEVELS
from .result import Scan, checked_scan
from .scan import scan
from .scanner import Scanner

__all__ = ["LEVELS", "LayerScan", "Place", "Scan", "Scanner", "checked_scan", "scan"]
