"""Reading the images of a data set: in which order and batches, here or ahead in worker processes, seeded."""

from .ahead import Ahead
from .batches import Batch, batches, checked_part, visiting_order
from .reader import Reader

__all__ = ["Ahead", "Batch", "Reader", "batches", "checked_part", "visiting_order"]
