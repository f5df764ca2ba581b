"""Pictures that drive a channel, a unit, a class or a direction of a layer as far as they can."""

from .canvas import SIDES, Canvas
from .maximize import maximize
from .maximizer import Maximizer
from .picture import STATISTICS, MaximizedPicture

__all__ = ["SIDES", "STATISTICS", "Canvas", "MaximizedPicture", "Maximizer", "maximize"]
