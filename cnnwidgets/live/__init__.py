"""When, and in which thread, to run; knows no widget and no tensor."""

from .background import Background
from .kernel import answer
from .newest import Newest, turning_loop
from .portions import PORTION, Pace, Portions
from .weak import weakly

__all__ = [
    "PORTION",
    "Background",
    "Newest",
    "Pace",
    "Portions",
    "answer",
    "turning_loop",
    "weakly",
]
