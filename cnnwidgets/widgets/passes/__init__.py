"""What a network told in its passes: kept within a number of bytes, and begun from where a layer was edited."""

from .behind import Beginning, take_behind
from .cache import ByteCache
from .passes import RECENT, Pass, Passes

__all__ = ["RECENT", "Beginning", "ByteCache", "Pass", "Passes", "take_behind"]
