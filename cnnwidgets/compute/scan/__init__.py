"""Numbers of every channel over a whole data set, in one pass that can be stopped, merged and taken up again."""

from .layer_scan import LayerScan, Place
from .result import Scan
from .scan import scan
from .scanner import Scanner

__all__ = ["LayerScan", "Place", "Scan", "Scanner", "scan"]
