"""Reading the images of a data set: what is random in them drawn from a seed, here or ahead in worker processes."""

from .ahead import Ahead
from .reader import Reader

__all__ = ["Ahead", "Reader"]
